import fc from 'fast-check';
import { expect, test } from 'vitest';
import { productsOf } from './inner-products.js';

/** A table larger than the caches, of which the beginning is used. */
const FAR = new Float32Array(2 ** 20 + 1);

test('each row is multiplied with the interest that fits it best, wherever its vector lies', () => {
  const cases = fc.record({
    width: fc.integer({ min: 1, max: 9 }),
    offset: fc.integer({ min: 0, max: 3 }),
    interests: fc.integer({ min: 1, max: 3 }),
    rows: fc.oneof(fc.array(fc.nat(11), { maxLength: 30 }), fc.constant(Array.from({ length: 600 }, (_, i) => i % 12))),
    spare: fc.nat(3),
    constant: fc.integer({ min: -5, max: 5 }),
    seed: fc.integer(),
    far: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ width, offset, interests, rows, spare, constant, seed, far }) => {
      // Small whole numbers, so that sums are exact in any order.
      const draw = (i: number) => ((Math.imul(i + 1, seed | 1) >>> 13) % 7) - 3;
      const stride = offset + width + 1;
      const data = far ? FAR : new Float32Array(12 * stride);
      for (let i = 0; i < 12 * stride; i++) data[i] = draw(i);
      const query = Float32Array.from({ length: interests * width }, (_, i) => draw(i + 1000));
      const product = (row: number, interest: number) => {
        let sum = 0;
        for (let k = 0; k < width; k++) sum += data[row * stride + offset + k]! * query[interest * width + k]!;
        return sum;
      };
      const into = new Float32Array(rows.length + spare).fill(99);
      productsOf({ data, stride, offset, width }, Int32Array.from(rows), rows.length, query, constant, into);
      const best = rows.map(
        (row) => constant + Math.max(...Array.from({ length: interests }, (_, q) => product(row, q))),
      );
      expect([...into]).toEqual([...best, ...new Array(spare).fill(99)]);
    }),
  );
});
