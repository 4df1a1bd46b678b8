import { describe, expect, it } from 'vitest';
import type { Graph } from './engine.js';
import { HnswIndex } from './hnsw.js';
import { SCOUT_EVERY, Scouts } from './scouts.js';
import { prepareQueries, VectorTable } from './vectors.js';

const WIDTH = 2;
const last = 2 * SCOUT_EVERY;

/** Rows are zero except for the scouts: (1, 0), (2, 0) and (3, 0). */
function table(): VectorTable {
  const data = new Float32Array((last + 1) * WIDTH);
  for (let scout = 0; scout < 3; scout++) data[scout * SCOUT_EVERY * WIDTH] = scout + 1;
  return VectorTable.of('inner-product', { data, shape: [last + 1, WIDTH] });
}
const queries = prepareQueries({ data: Float32Array.of(0, 1, 1, 0), shape: [1, 2, WIDTH] }, WIDTH, 'inner-product');
const found = (items: number[], ...scores: number[]) => ({
  items: Int32Array.from(items),
  scores: Float32Array.from(scores),
});

describe('Scouts', () => {
  it('misses a scout that is better than the last row found, by any vector of the query', () => {
    const scouts = new Scouts(table());
    expect(scouts.miss(queries, 0, found([7], 2.5), undefined)).toBe(true);
    expect(scouts.miss(queries, 0, found([7], 3), undefined)).toBe(false);
    expect(scouts.miss(queries, 0, found([last, 7], 3, 2), undefined)).toBe(false);
    expect(scouts.miss(queries, 0, found([last, 7], 3, 1), undefined)).toBe(true);
  });

  it('misses none that a filter keeps out', () => {
    const scouts = new Scouts(table());
    expect(scouts.miss(queries, 0, found([7], 1.5), (row) => row < SCOUT_EVERY)).toBe(false);
    expect(scouts.miss(queries, 0, found([7], 1.5), (row) => row !== last)).toBe(true);
  });

  it('follows changes of the table', () => {
    const scouts = new Scouts(table());
    scouts.delete(last);
    expect(scouts.miss(queries, 0, found([7], 2), undefined)).toBe(false);
    // A row that is no scout changes nothing.
    scouts.delete(SCOUT_EVERY + 1);
    scouts.set(SCOUT_EVERY + 1, Float32Array.of(9, 9));
    expect(scouts.miss(queries, 0, found([7], 2), undefined)).toBe(false);
    scouts.set(last, Float32Array.of(0, 4));
    expect(scouts.miss(queries, 0, found([7], 3.5), undefined)).toBe(true);
    scouts.set(3 * SCOUT_EVERY, Float32Array.of(5, 0));
    expect(scouts.miss(queries, 0, found([last], 4), undefined)).toBe(true);
    // What is gone scores 0, which is more than a negative score.
    scouts.delete(3 * SCOUT_EVERY);
    scouts.delete(last);
    expect(scouts.miss(queries, 0, found([7, SCOUT_EVERY, 0], 3, 2, -1), undefined)).toBe(false);
  });
});

describe('a search that went astray', () => {
  /** A cloud around one scout is better than all other rows; the walk gets there once it may look at `enough` rows. */
  const astray = (enough: number) => {
    const rows = 4 * SCOUT_EVERY;
    const inCloud = (row: number) => row >= SCOUT_EVERY && row < SCOUT_EVERY + 100;
    const data = Float32Array.from({ length: rows }, (_, row) => (inCloud(row) ? 2 : 1));
    const asked: number[] = [];
    const graph = {
      search(_: Float32Array, limit: number) {
        asked.push(limit);
        const first = limit < enough ? 0 : SCOUT_EVERY;
        return { keys: BigUint64Array.from({ length: limit }, (_, i) => BigInt(first + i)) };
      },
    } as unknown as Graph;
    const settings = { connectivity: 2, expansionAdd: 1, expansion: 20, at: 10 };
    const state = { settings, length: 0, graph, recall: undefined };
    return { index: new HnswIndex(VectorTable.of('inner-product', { data, shape: [rows, 1] }), state), asked };
  };
  const query = { data: Float32Array.of(1), shape: [1, 1] };

  it('is repeated with more rows', async () => {
    const { index, asked } = astray(80);
    const [best] = await index.search(query, 10);
    expect([...best!.scores]).toEqual(new Array(10).fill(2));
    expect(asked).toEqual([20, 80]);
  });

  it('ends with what it has rather than compare every row', async () => {
    const { index, asked } = astray(100);
    const [best] = await index.search(query, 10);
    expect([...best!.items]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(asked).toEqual([20, 80]);
  });
});
