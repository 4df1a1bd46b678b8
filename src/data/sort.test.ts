import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Reorder, stableOrder } from './sort.js';

it('orders as a stable comparison sort does', () => {
  const number = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value)),
  );
  fc.assert(
    fc.property(fc.array(number), (values) => {
      const times = Float64Array.from(values, (value) => (Object.is(value, -0) ? 0 : value));
      const expected = [...times.keys()].sort((a, b) => times[a]! - times[b]! || a - b);
      expect([...(stableOrder(times) ?? times.keys())]).toEqual(
        expected.some((row, i) => row !== i) ? expected : [...times.keys()],
      );
    }),
  );
});

it('leaves what is in order alone', () => {
  expect(stableOrder(Float64Array.of(1, 1, 2))).toBeUndefined();
  expect(stableOrder(Float64Array.of())).toBeUndefined();
});

it('moves whole rows in place', () => {
  const reorder = new Reorder(Uint32Array.of(2, 0, 1));
  const values = Int32Array.of(1, 2, 3);
  reorder.rows(values);
  expect([...values]).toEqual([3, 1, 2]);
  const pairs = Int32Array.of(1, 2, 3, 4, 5, 6);
  reorder.rows(pairs, 2);
  expect([...pairs]).toEqual([5, 6, 1, 2, 3, 4]);
  const lengths = Int32Array.of(2, 1, 2);
  reorder.rows(lengths);
  expect([...lengths]).toEqual([2, 2, 1]);
  // A smaller array after a larger one leaves the rest of the scratch buffer alone.
  const times = Float64Array.of(0.5, 1.5, 2.5);
  reorder.rows(times);
  reorder.rows(values);
  expect([...times, ...values]).toEqual([2.5, 0.5, 1.5, 2, 3, 1]);
});
