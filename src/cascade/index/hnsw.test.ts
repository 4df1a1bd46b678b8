import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildIndex } from './build.js';
import { measureRecall } from './recall.js';
import type { RetrievalIndex, Vectors } from './retrieval-index.js';
import { plain } from './testing/brute-force.js';
import { clustered } from './testing/clustered.js';

const ROWS = 3000;
const WIDTH = 16;
const rows = clustered(ROWS, WIDTH, 'rows');
const queries = clustered(40, WIDTH, 'queries');
const row = ({ data }: Vectors, at: number) => data.slice(at * WIDTH, (at + 1) * WIDTH);
/** Small enough that searches go through the graph, also with a filter. */
const small = { kind: 'hnsw', expansion: 64, recall: { queries: 0, at: 20 } } as const;

let exact: RetrievalIndex;
let approximate: RetrievalIndex;
beforeAll(async () => {
  exact = await buildIndex(rows, { kind: 'exact' });
  approximate = await buildIndex(rows, small);
});
afterAll(async () => {
  await exact.release();
  await approximate.release();
});

describe('HnswIndex', () => {
  it.each(['inner-product', 'cosine'] as const)('finds nearly all of the best by %s', async (metric) => {
    const index = await buildIndex(rows, { ...small, metric });
    const twin = await buildIndex(rows, { kind: 'exact', metric });
    expect(await measureRecall(index, queries, 20, await twin.search(queries, 20))).toBeGreaterThan(0.97);
    expect(await measureRecall(index, queries, 100, await twin.search(queries, 100))).toBeGreaterThan(0.97);
    expect(index.kind).toBe('hnsw');
  });

  it('gives the scores and the order of exact search for what it finds', async () => {
    const found = await approximate.search(queries, 20);
    const best = await exact.search(queries, ROWS);
    for (const [i, { items, scores }] of found.entries()) {
      const scoreOf = new Map([...best[i]!.items].map((item, at) => [item, best[i]!.scores[at]]));
      expect([...scores]).toEqual([...items].map((item) => scoreOf.get(item)));
      expect([...scores]).toEqual([...scores].sort((a, b) => b - a));
    }
  });

  it('looks at every row where that is cheaper than the graph', async () => {
    expect(plain(await approximate.search(queries, ROWS))).toEqual(plain(await exact.search(queries, ROWS)));
    const few = new Uint8Array(ROWS);
    for (let i = 0; i < ROWS; i += 100) few[i] = 1;
    expect(plain(await approximate.search(queries, 20, { allow: few }))).toEqual(
      plain(await exact.search(queries, 20, { allow: few })),
    );
  });

  it('keeps to filters, and finds as much through them', async () => {
    const half = Uint8Array.from({ length: ROWS }, (_, i) => i % 2);
    const seen = new Set([...(await exact.search(queries, 10))[0]!.items]);
    for (const allow of [half, (item: number) => item % 2 === 1]) {
      const found = await approximate.search(queries, 20, { allow, exclude: seen });
      const best = await exact.search(queries, 20, { allow, exclude: seen });
      let hits = 0;
      for (const [i, { items }] of found.entries()) {
        expect(items).toHaveLength(20);
        expect(items.every((item) => item % 2 === 1 && !seen.has(item))).toBe(true);
        hits += items.filter((item) => best[i]!.items.includes(item)).length;
      }
      expect(hits / (20 * found.length)).toBeGreaterThan(0.97);
    }
    const none = await approximate.search(queries, 5, { allow: new Uint8Array(ROWS) });
    expect(none.every(({ items }) => items.length === 0)).toBe(true);
  });

  it('finds the nearest to any of several vectors, each row once', async () => {
    const several = { data: queries.data, shape: [10, 4, WIDTH] };
    const found = await approximate.search(several, 20);
    const best = await exact.search(several, 20);
    let hits = 0;
    for (const [i, { items }] of found.entries()) {
      expect(new Set(items).size).toBe(20);
      hits += items.filter((item) => best[i]!.items.includes(item)).length;
    }
    expect(hits / 200).toBeGreaterThan(0.97);
  });

  it('gives the same lists from the same vectors, and with more threads', async () => {
    const again = await buildIndex(rows, { ...small, threads: 2 });
    expect(plain(await again.search(queries, 20))).toEqual(plain(await approximate.search(queries, 20)));
  });

  it('asked one by one, queries get what they get together', async () => {
    const together = await approximate.search(queries, 20);
    const alone = await Promise.all(
      Array.from({ length: 5 }, (_, i) => approximate.search({ data: row(queries, i), shape: [1, WIDTH] }, 20)),
    );
    expect(plain(alone.flat())).toEqual(plain(together.slice(0, 5)));
  });

  it('follows every addition, replacement and removal', async () => {
    const change = fc.record({ at: fc.nat(400), remove: fc.boolean(), from: fc.nat(ROWS - 1) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 20, maxLength: 60 }), async (changes) => {
        const start = { data: rows.data.slice(0, 300 * WIDTH), shape: [300, WIDTH] };
        const index = await buildIndex(start, { ...small, expansion: 100 });
        const twin = await buildIndex(start, { kind: 'exact' });
        for (const { at, remove, from } of changes) {
          const to = Math.min(at, index.rows);
          if (remove) expect(index.remove(to)).toBe(twin.remove(to));
          else for (const one of [index, twin]) one.add(to, row(rows, from));
        }
        expect([index.rows, index.count]).toEqual([twin.rows, twin.count]);
        expect(await measureRecall(index, queries, 10, await twin.search(queries, 10))).toBeGreaterThan(0.98);
        const all = (await index.search(queries, 10)).flatMap(({ items }) => [...items]);
        const alive = new Set((await twin.search(queries, 500))[0]!.items);
        expect(all.every((item) => alive.has(item))).toBe(true);
        await twin.release();
      }),
      { seed: 5, numRuns: 12 },
    );
  });

  it('finds a row that is longer than all before', async () => {
    const index = await buildIndex(rows, small);
    const long = row(queries, 0).map((value) => 10 * value);
    index.add(ROWS, long);
    expect((await index.search({ data: row(queries, 0), shape: [1, WIDTH] }, 1))[0]!.items[0]).toBe(ROWS);
  });

  it('can be emptied and filled again', async () => {
    const index = await buildIndex({ data: rows.data.slice(0, 50 * WIDTH), shape: [50, WIDTH] }, small);
    for (let i = 0; i < 50; i++) expect(index.remove(i)).toBe(true);
    expect((await index.search(queries, 3)).every(({ items }) => items.length === 0)).toBe(true);
    for (let i = 0; i < 60; i++) index.add(i, row(rows, i));
    const [found] = await index.search({ data: row(rows, 7), shape: [1, WIDTH] }, 60);
    expect([...found!.items].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });
});
