import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../random.js';
import { compareAll, ExactSearch } from './exact-search.js';

test('is brute force: the best over all interests, equal ones by row, only what is allowed', () => {
  const cases = fc.record({
    width: fc.integer({ min: 1, max: 9 }),
    offset: fc.integer({ min: 0, max: 3 }),
    rows: fc.integer({ min: 1, max: 40 }),
    interests: fc.integer({ min: 1, max: 3 }),
    k: fc.integer({ min: 1, max: 50 }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(cases, ({ width, offset, rows, interests, k, seed }) => {
      // Small whole numbers: products are exact, and ties are frequent.
      const draw = (i: number) => ((Math.imul(i + 1, seed | 1) >>> 13) % 3) - 1;
      const stride = offset + width + 1;
      const data = Float32Array.from({ length: rows * stride }, (_, i) => draw(i));
      const query = Float32Array.from({ length: interests * width }, (_, i) => draw(i + 1000));
      const allowed = (row: number) => draw(row + 5000) !== 0;
      const product = (row: number, q: number) => {
        let sum = 0;
        for (let i = 0; i < width; i++) sum += data[row * stride + offset + i]! * query[q * width + i]!;
        return sum;
      };
      const score = (row: number) => Math.max(...Array.from({ length: interests }, (_, q) => product(row, q)));
      const expected = Array.from({ length: rows }, (_, row) => row)
        .filter(allowed)
        .sort((a, b) => score(b) - score(a) || a - b)
        .slice(0, k);
      expect([...compareAll({ data, stride, offset, width }, rows, query, k, allowed)]).toEqual(expected);
    }),
  );
});

test('goes on from block to block', () => {
  const data = Float32Array.from({ length: 9000 }, (_, row) => row % 4500);
  const best = compareAll({ data, stride: 1, offset: 0, width: 1 }, 9000, Float32Array.of(1), 3, () => true);
  expect([...best]).toEqual([4499, 8999, 4498]);
});

test('of many rows, finds with codes what comparing all of them finds, also when rows have changed', () => {
  const random = Random.of(1, 'exact search');
  const [rows, width, stride] = [5000, 7, 10];
  let vectors = { data: Float32Array.from({ length: rows * stride }, () => random.normal()), stride, offset: 2, width };
  const search = new ExactSearch(() => vectors, rows);
  const allowed = (row: number) => row % 5 !== 0;
  const compare = (count: number) => {
    for (const interests of [1, 3]) {
      const query = Float32Array.from({ length: interests * width }, () => random.normal());
      const found = search.search(count, query, 50, allowed);
      expect([...found]).toEqual([...compareAll(vectors, count, query, 50, allowed)]);
      // Few that are not allowed, and those the best.
      const refused = new Set(compareAll(vectors, count, query, 20, () => true));
      const isFree = (row: number) => !refused.has(row);
      const free = search.search(count, query, 50, isFree, refused.size);
      expect([...free]).toEqual([...compareAll(vectors, count, query, 50, isFree)]);
    }
  };
  compare(rows);
  const data = new Float32Array((rows + 3) * stride);
  data.set(vectors.data);
  vectors = { ...vectors, data };
  // Far beyond what there was, and rows that are new.
  for (const row of [1, 2, rows + 1, rows + 2]) {
    for (let i = 0; i < width; i++) data[row * stride + 2 + i] = 9 * random.normal();
    search.changed(row);
  }
  compare(rows + 3);
});
