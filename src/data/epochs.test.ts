import fc from 'fast-check';
import { expect, test } from 'vitest';
import { epochBatches } from './epochs.js';

const rows = Uint32Array.from({ length: 103 }, (_, i) => i * 2);
const all = (epoch: ReturnType<typeof epochBatches>) =>
  Array.from({ length: epoch.steps }, (_, step) => [...epoch.rows(step)]);

test('an epoch holds every row once, in an order that seed and epoch decide', () => {
  const first = all(epochBatches(rows, 10, 1, 0));
  expect(first).toHaveLength(11);
  expect(first[10]).toHaveLength(3);
  expect(first.flat().sort((a, b) => a - b)).toEqual([...rows]);
  expect(all(epochBatches(rows, 10, 1, 0))).toEqual(first);
  expect(all(epochBatches(rows, 10, 1, 1))).not.toEqual(first);
  expect(all(epochBatches(rows, 10, 2, 0))).not.toEqual(first);
  expect(rows[1]).toBe(2); // The rows given stay as they were.
});

test('any step may be asked for without the ones before it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), fc.nat(), (size, pick) => {
      const whole = all(epochBatches(rows, size, 5, 3));
      const step = pick % whole.length;
      expect([...epochBatches(rows, size, 5, 3).rows(step)]).toEqual(whole[step]);
    }),
    { seed: 4 },
  );
});

test('without rows there are no steps', () => {
  expect(epochBatches(new Uint32Array(0), 10, 1, 0).steps).toBe(0);
});

test('a batch size or a step that cannot be is refused', () => {
  for (const size of [0, -1, 1.5, Number.NaN]) expect(() => epochBatches(rows, size, 1, 0)).toThrow('batch size');
  for (const step of [-1, 11, 0.5]) expect(() => epochBatches(rows, 10, 1, 0).rows(step)).toThrow(RangeError);
});
