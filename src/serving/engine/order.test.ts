import fc from 'fast-check';
import { expect, test } from 'vitest';
import { descending } from './order.js';

test('is the stable sort by descending score', () => {
  const score = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1, -1, 1e-45));
  fc.assert(
    fc.property(fc.array(score, { maxLength: 60 }), (values) => {
      const scores = Float32Array.from(values);
      const expected = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
      expect([...descending(scores, scores.length)]).toEqual(expected);
    }),
  );
});

test('looks at the first scores only', () => {
  expect([...descending(Float32Array.of(1, 3, 2, 9), 3)]).toEqual([1, 2, 0]);
});
