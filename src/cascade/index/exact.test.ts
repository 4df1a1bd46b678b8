import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { buildIndex } from './build.js';
import type { RetrievalIndex } from './retrieval-index.js';
import { bruteForce, plain } from './testing/brute-force.js';

const opened: RetrievalIndex[] = [];
const build: typeof buildIndex = async (...args) => {
  const index = await buildIndex(...args);
  opened.push(index);
  return index;
};
afterAll(async () => {
  for (const index of opened) await index.release();
});

const axes = { data: Float32Array.of(1, 0, 0, 2, 3, 3, -1, 0), shape: [4, 2] };
const query = (...values: number[]) => ({ data: Float32Array.from(values), shape: [1, values.length] });

/** Small whole numbers: sums are exact in single precision, and ties are frequent. */
const whole = (count: number) =>
  fc.array(fc.integer({ min: -2, max: 2 }), { minLength: count, maxLength: count }).map((v) => Float32Array.from(v));

const problem = fc
  .record({
    rows: fc.integer({ min: 1, max: 30 }),
    width: fc.integer({ min: 1, max: 4 }),
    asked: fc.integer({ min: 0, max: 5 }),
    vectors: fc.integer({ min: 1, max: 3 }),
    k: fc.integer({ min: 1, max: 40 }),
    removed: fc.uniqueArray(fc.nat(29), { maxLength: 5 }),
    mask: fc.option(fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), { nil: undefined }),
    exclude: fc.array(fc.nat(29), { maxLength: 5 }),
    asPredicate: fc.boolean(),
  })
  .chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      rows: whole(shape.rows * shape.width),
      queries: whole(shape.asked * shape.vectors * shape.width),
    }),
  );

describe('ExactIndex', () => {
  it('finds the best by inner product, ties by the lower row', async () => {
    const index = await build(axes, { kind: 'exact' });
    expect(plain(await index.search(query(1, 1), 3))).toEqual([{ items: [2, 1, 0], scores: [6, 2, 1] }]);
    index.add(4, Float32Array.of(2, 0));
    expect(plain(await index.search(query(1, 1), 3))).toEqual([{ items: [2, 1, 4], scores: [6, 2, 2] }]);
  });

  it('finds the best by cosine; a vector of zeros is unlike everything', async () => {
    const index = await build({ data: Float32Array.of(1, 0, 0, 0, 9, 9, -1, 0), shape: [4, 2] }, { metric: 'cosine' });
    const [found] = await index.search(query(5, 0), 9);
    expect([...found!.items]).toEqual([0, 2, 1, 3]);
    expect(found!.scores[0]).toBe(1);
    expect(found!.scores[1]).toBeCloseTo(Math.SQRT1_2, 6);
    expect([...found!.scores.subarray(2)]).toEqual([0, -1]);
    expect([...(await index.search(query(0, 0), 2))[0]!.scores]).toEqual([0, 0]);
  });

  it('scores a row by the nearest of several query vectors', async () => {
    const index = await build(axes);
    const found = await index.search({ data: Float32Array.of(-5, 0, 0, 1), shape: [1, 2, 2] }, 4);
    expect(plain(found)).toEqual([{ items: [3, 2, 1, 0], scores: [5, 3, 2, 0] }]);
  });

  it('agrees with scoring and sorting everything: ties, masks, predicates, exclusions, removed rows, several vectors', async () => {
    await fc.assert(
      fc.asyncProperty(problem, async ({ shape, rows, queries }) => {
        const { width, asked, vectors, k, removed, mask, exclude, asPredicate } = shape;
        const table = { data: rows, shape: [shape.rows, width] };
        const index = await buildIndex(table, { kind: 'exact', threads: 1 });
        for (const row of removed) expect(index.remove(row)).toBe(row < shape.rows);
        for (const row of removed) expect(index.remove(row)).toBe(false);
        const bits = mask && Uint8Array.from(mask.slice(0, shape.rows), Number);
        const allow = bits && asPredicate ? (row: number) => bits[row] === 1 : bits;
        const wanted = { data: queries, shape: [asked, vectors, width] };
        const found = await index.search(wanted, k, { allow, exclude });
        const isAllowed = (row: number) => !removed.includes(row) && mask?.[row] !== false && !exclude.includes(row);
        expect(plain(found)).toEqual(bruteForce(table, wanted, k, 'inner-product', isAllowed));
        await index.release();
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it('gives each query its own filter', async () => {
    const index = await build(axes);
    const two = { data: Float32Array.of(1, 1, 1, 1), shape: [2, 2] };
    const found = await index.search(two, 1, (asked) => (asked === 0 ? { exclude: [2] } : undefined));
    expect(found.map(({ items }) => items[0])).toEqual([1, 2]);
  });

  it('searches more queries and rows than fit one block', async () => {
    const rows = 20_000;
    const data = Float32Array.from({ length: rows }, (_, row) => (row * 7919) % rows);
    const index = await build({ data, shape: [rows, 1] }, { kind: 'exact' });
    const queries = { data: Float32Array.from({ length: 150 }, (_, i) => (i % 2 === 0 ? 1 : -1)), shape: [150, 1] };
    const found = await index.search(queries, 2);
    expect(found).toHaveLength(150);
    for (const [i, { scores }] of found.entries()) {
      expect([...scores]).toEqual(i % 2 === 0 ? [rows - 1, rows - 2] : [0, -1]);
    }
  });

  it('refuses shapes, masks and values that do not fit', async () => {
    const index = await build(axes);
    await expect(index.search(query(1, 2, 3), 1)).rejects.toThrow(
      'queries of shape [1,3] with 3 values; wanted [Q, 2]',
    );
    await expect(index.search(query(1, 2), 0)).rejects.toThrow('k must be a whole number of at least 1, got 0');
    await expect(index.search(query(1, 2), 1, { allow: new Uint8Array(3) })).rejects.toThrow('3 entries for 4 rows');
    await expect(index.search(query(1, Number.NaN), 1)).rejects.toThrow('query 0: value 1 of the vector is NaN');
    expect(() => index.add(9, Float32Array.of(1, 1))).toThrow('row 9 cannot be added; rows are 0 to 3, the next is 4');
    expect(() => index.add(4, Float32Array.of(1))).toThrow('row 4 has 1 values, the vectors of this index have 2');
    expect(() => index.add(0, Float32Array.of(1, Infinity))).toThrow(
      'row 0 of the index: value 1 of the vector is Infinity',
    );
    expect(plain(await index.search(query(1, 0), 1))).toEqual([{ items: [2], scores: [3] }]);
    await expect(buildIndex({ data: new Float32Array(5), shape: [2, 2] })).rejects.toThrow('5 values are no vectors');
  });
});
