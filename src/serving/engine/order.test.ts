import fc from 'fast-check';
import { expect, test } from 'vitest';
import { descending } from './order.js';
import { radixDescending } from './radix-order.js';

const score = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1, -1, 1e-45));
const evenly = fc.integer({ min: -40, max: 40 }).map((value) => value / 8);

function stableSort(scores: Float32Array): number[] {
  return Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

test.each([
  ['any scores', score],
  ['scores that lie evenly', evenly],
])('is the stable sort by descending score: %s', (_, scores) => {
  fc.assert(
    fc.property(fc.array(scores, { maxLength: 60 }), (values) => {
      const list = Float32Array.from(values);
      expect([...descending(list, list.length)]).toEqual(stableSort(list));
      expect([...radixDescending(list, list.length)]).toEqual(stableSort(list));
    }),
  );
});

test('sorts more than there was room for, crowded or not', () => {
  const spread = Float32Array.from({ length: 5_000 }, (_, i) => Math.sin(i));
  const crowded = spread.map((value) => value ** 15);
  for (const list of [spread, crowded]) expect([...descending(list, list.length)]).toEqual(stableSort(list));
});

test.each([descending, radixDescending])('looks at the first scores only', (sort) => {
  expect([...sort(Float32Array.of(1, 3, 2, 9), 3)]).toEqual([1, 2, 0]);
});

test('leaves equal scores as they are', () => {
  expect([...descending(new Float32Array(5).fill(2), 5)]).toEqual([0, 1, 2, 3, 4]);
  expect([...descending(new Float32Array(0), 0)]).toEqual([]);
});
