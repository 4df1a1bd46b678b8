import fc from 'fast-check';
import { expect, it } from 'vitest';
import { reorder, reorderColumn, stableOrder } from './sort.js';

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

it('moves whole rows', () => {
  const order = Uint32Array.of(2, 0, 1);
  expect([...reorder(Int32Array.of(1, 2, 3), order)]).toEqual([3, 1, 2]);
  expect(
    reorderColumn(
      { encoding: 'ids', rows: Int32Array.of(1, 2, 3, 4, 5, 6), lengths: Int32Array.of(2, 1, 2), maxLength: 2 },
      order,
    ),
  ).toEqual({
    encoding: 'ids',
    rows: Int32Array.of(5, 6, 1, 2, 3, 4),
    lengths: Int32Array.of(2, 2, 1),
    maxLength: 2,
  });
});
