import { expect, test } from 'vitest';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import type { EntityTable } from './dataset.js';
import { FeedBuffers, gatherFeatures, IdDropout } from './feeds.js';

test('id dropout drops the given share, evenly over positions and across calls', () => {
  const dropout = new IdDropout(0.1, Random.of(7, 'test'));
  const byPosition = new Float64Array(10);
  let dropped = 0;
  const calls = 20_000;
  for (let call = 0; call < calls; call++) {
    const rows = new Int32Array(10).fill(1);
    dropout.apply(rows);
    rows.forEach((row, i) => {
      if (row === 0) {
        dropped += 1;
        byPosition[i]! += 1;
      }
    });
  }
  const deviation = Math.sqrt(0.1 * 0.9 * calls);
  expect(Math.abs(dropped - 0.1 * calls * 10)).toBeLessThan(4 * deviation * Math.sqrt(10));
  for (const count of byPosition) expect(Math.abs(count - 0.1 * calls)).toBeLessThan(4 * deviation);
});

test('a dropout rate of 1 drops everything, and what is no rate is refused', () => {
  const rows = Int32Array.of(1, 2, 3);
  new IdDropout(1, Random.of(1)).apply(rows);
  expect([...rows]).toEqual([0, 0, 0]);
  for (const rate of [0, -0.1, 1.1, Number.NaN]) {
    expect(() => new IdDropout(rate, Random.of(1))).toThrow(/CONFIG_INVALID|is not a rate/);
  }
});

const table: EntityTable = {
  count: 3,
  columns: new Map([
    ['id', { encoding: 'id', rows: Int32Array.of(0, 4, 5) }],
    ['tags', { encoding: 'ids', maxLength: 2, rows: Int32Array.of(0, 0, 6, 0, 7, 8), lengths: Int32Array.of(0, 1, 2) }],
    ['size', { encoding: 'numbers', width: 2, values: Float32Array.of(0, 0, 1, 2, 3, 4) }],
  ]),
};
const id = { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'v', size: 9 } as const;
const tags = { name: 'tags', owner: 'item', encoding: 'ids', vocabulary: 'v', size: 9, maxLength: 2 } as const;
const size = { name: 'size', owner: 'item', encoding: 'numbers', width: 2 } as const;

test('gathers each encoding in the shape the schema says', () => {
  const feeds: Feeds = {};
  gatherFeatures(feeds, 'item', [id, tags, size], table, [2, 0, 1], 3, new FeedBuffers());
  expect(feeds).toEqual({
    'item.id': { data: Int32Array.of(5, 0, 4), shape: [3] },
    'item.tags': { data: Int32Array.of(7, 8, 0, 0, 6, 0), shape: [3, 2] },
    'item.tags.length': { data: Int32Array.of(2, 0, 1), shape: [3] },
    'item.size': { data: Float32Array.of(3, 4, 0, 0, 1, 2), shape: [3, 2] },
  });
});

test('rows that are not given are unknown, whatever a buffer held before', () => {
  const buffers = new FeedBuffers();
  gatherFeatures({}, 'item', [id, tags, size], table, [2, 2], 2, buffers);
  const feeds: Feeds = {};
  gatherFeatures(feeds, 'item', [id, tags, size], table, undefined, 2, buffers);
  for (const { data } of Object.values(feeds)) expect([...data].every((value) => value === 0)).toBe(true);
});

test('a column that is missing or encoded otherwise is named', () => {
  const gather = (feature: typeof id | typeof size | { name: string }) => () =>
    gatherFeatures({}, 'item', [{ ...id, ...feature } as typeof id], table, [0], 1, new FeedBuffers());
  expect(gather({ name: 'colour' })).toThrow('item feature "colour" wants an "id" column, but the column is missing');
  expect(gather({ name: 'size' })).toThrow('is encoded as "numbers"');
});

test('buffers hand out the length asked for and keep their memory', () => {
  const buffers = new FeedBuffers();
  const first = buffers.int32('a', 10);
  expect(buffers.int32('a', 4).buffer).toBe(first.buffer);
  expect(buffers.int32('a', 4)).toHaveLength(4);
  const grown = buffers.int32('a', 20);
  expect(grown).toHaveLength(20);
  expect(buffers.int32('a', 21).buffer).toBe(grown.buffer);
  expect(buffers.float32('a', 3)).toBeInstanceOf(Float32Array);
});
