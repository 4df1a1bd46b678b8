import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Feeds } from '../schema.js';
import { assembleBatch, BatchAssembler, itemFeeds, requestFeeds } from './batches.js';
import type { Dataset } from './dataset.js';
import { generateDataset } from './generate.js';
import { countItems, uniformSampler } from './sampling.js';

const dataset = generateDataset({ users: 20, items: 15, events: 400, historyLength: 4 });
const rowsOf = (...rows: number[]) => Uint32Array.from(rows);

/** What row `at` of every feed with this prefix holds. */
function rowAt(feeds: Feeds, prefix: string, at: number): Record<string, number[]> {
  const row: Record<string, number[]> = {};
  for (const [name, { data, shape }] of Object.entries(feeds)) {
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    if (name.startsWith(prefix)) row[name] = [...data.subarray(at * width, (at + 1) * width)];
  }
  return row;
}

const requestRow = (feeds: Feeds, at: number) => ({
  ...rowAt(feeds, 'user.', at),
  ...rowAt(feeds, 'context.', at),
  ...rowAt(feeds, 'history.', at),
});

/** Each pair's features, looked up one at a time: the brute-force twin of a batch. */
function expectPairs(data: Dataset, rows: Uint32Array, options = {}): void {
  const { dims, feeds } = assembleBatch(data, rows, options);
  const { events } = data;
  rows.forEach((row, pair) => {
    const first =
      events.request === undefined
        ? row
        : events.request.findIndex((r, e) => r === events.request?.[row] && events.user[e] === events.user[row]);
    const request = requestFeeds(data, {
      users: [events.user[row]!],
      times: [events.time[first]!],
      contexts: [row],
    });
    const item = itemFeeds(data, [events.item[row]!]);
    expect(requestRow(feeds, feeds['pair.request']!.data[pair]!)).toEqual(requestRow(request, 0));
    expect(rowAt(feeds, 'item.', feeds['pair.item']!.data[pair]!)).toEqual(rowAt(item, 'item.', 0));
    expect(feeds['pair.label']!.data[pair]).toBe(events.feedback.get(data.label)![row]);
  });
  for (const [name, { data: values, shape }] of Object.entries(feeds)) {
    const rowsOfFeed = name.startsWith('pair.') ? dims.P : name.startsWith('item.') ? dims.I : dims.B;
    expect(shape[0], name).toBe(rowsOfFeed);
    expect(values.length, name).toBe(shape.reduce((a, b) => a * b, 1));
  }
}

const someRows = fc
  .array(fc.nat(dataset.events.count - 1), { minLength: 1, maxLength: 40 })
  .map((rows) => Uint32Array.from(rows));

describe('every pair sees its own user, context, history and item', () => {
  const variants: Record<string, Dataset> = {
    'with request numbers': dataset,
    'without request numbers': generateDataset({ users: 20, items: 15, events: 400, requests: false }),
    'without context and history': generateDataset({
      users: 20,
      items: 15,
      events: 400,
      context: false,
      history: false,
    }),
    // Request numbers that mean little: shared between users, and over different surfaces and times.
    'with shared request numbers': {
      ...dataset,
      events: { ...dataset.events, request: dataset.events.request!.map((r) => r % 7) },
    },
  };
  for (const [name, data] of Object.entries(variants)) {
    test(name, () => {
      fc.assert(
        fc.property(someRows, fc.boolean(), (rows, itemPerPair) => expectPairs(data, rows, { itemPerPair })),
        { seed: 6, numRuns: 30 },
      );
    });
  }
});

test('requests and items stand in the batch once', () => {
  const rows = Uint32Array.from({ length: 100 }, (_, i) => i);
  const { dims, items, users } = assembleBatch(dataset, rows);
  const { events } = dataset;
  expect(dims.B).toBe(new Set(rows.map((r) => events.request![r]!)).size);
  expect(dims.I).toBe(new Set(rows.map((r) => events.item[r]!)).size);
  expect(new Set(items).size).toBe(items.length);
  expect(users).toHaveLength(dims.B);
  const bare = generateDataset({ users: 20, items: 15, events: 400, context: false, history: false });
  expect(assembleBatch(bare, rows).dims.B).toBe(new Set(rows.map((r) => bare.events.user[r]!)).size);
  expect(assembleBatch(dataset, rows, { itemPerPair: true }).dims).toEqual({ B: 100, I: 100, P: 100 });
});

test('a request is as of its first event, even where the batch holds only a later one', () => {
  const events = { ...dataset.events, request: new Int32Array(dataset.events.count).fill(3) };
  const one = { ...dataset, events };
  const user = events.user[399]!;
  const { feeds } = assembleBatch(one, rowsOf(399));
  expect([...feeds['history.clicks.length']!.data]).toEqual([0]);
  const late = requestFeeds(dataset, { users: [user], times: [events.time[399]!] });
  expect(late['history.clicks.length']!.data[0]).toBeGreaterThan(0);
});

test('a batch stays as it is while the next one is prepared', () => {
  const assembler = new BatchAssembler(dataset);
  const first = assembler.assemble(rowsOf(1, 2, 3, 4, 5, 6), 0);
  const kept = structuredClone(first.feeds);
  assembler.assemble(rowsOf(50, 61, 72, 83), 1);
  expect(first.feeds).toEqual(kept);
  // The third batch has the memory of the first.
  expect(assembler.assemble(rowsOf(7, 8), 2).feeds['pair.label']!.data.buffer).toBe(
    first.feeds['pair.label']!.data.buffer,
  );
});

test('an assembler gives what a single batch gives, whatever came before', () => {
  const options = {
    idDropout: 0.3,
    seed: 9,
    negatives: { sampler: uniformSampler(dataset.items.count), perBatch: 5 },
    itemCounts: countItems(dataset.events.item, dataset.splits.train, dataset.items.count),
  };
  const assembler = new BatchAssembler(dataset, options);
  for (const [step, rows] of [rowsOf(1, 2, 3), rowsOf(100), rowsOf(200, 5, 17, 200, 30)].entries()) {
    expect(assembler.assemble(rows, step)).toEqual(assembleBatch(dataset, rows, options, step));
  }
});

test('dropout makes unknown ids of the given share, by seed and step', () => {
  const rows = Uint32Array.from({ length: 300 }, (_, i) => i);
  const ids = (idDropout: number, step: number, seed = 1) => [
    ...assembleBatch(dataset, rows, { idDropout, seed, itemPerPair: true }, step).feeds['user.user_id']!.data,
  ];
  const full = ids(0, 0);
  expect(full.every((id) => id > 0)).toBe(true);
  const dropped = ids(0.25, 0);
  expect(dropped.every((id, i) => id === 0 || id === full[i])).toBe(true);
  const share = dropped.filter((id) => id === 0).length / 300;
  expect(Math.abs(share - 0.25)).toBeLessThan(0.1);
  expect(ids(0.25, 0)).toEqual(dropped);
  expect(ids(0.25, 1)).not.toEqual(dropped);
  expect(ids(0.25, 0, 2)).not.toEqual(dropped);
});

test('sampled negatives stand after the items of the pairs, and all carry their logq', () => {
  const itemCounts = countItems(dataset.events.item, dataset.splits.train, dataset.items.count);
  const negatives = { sampler: uniformSampler(dataset.items.count), perBatch: 6 };
  const rows = rowsOf(1, 2, 3);
  const without = assembleBatch(dataset, rows);
  const batch = assembleBatch(dataset, rows, { negatives, itemCounts, seed: 4 });
  expect(batch.dims.P).toBe(3);
  expect([...batch.items.subarray(0, without.dims.I)]).toEqual([...without.items]);
  expect(batch.dims.I).toBeGreaterThan(without.dims.I);
  expect(new Set(batch.items).size).toBe(batch.dims.I);
  expect(batch.feeds['item.logq']!.shape).toEqual([batch.dims.I]);
  const total = itemCounts.reduce((a, b) => a + b, 0);
  batch.items.forEach((item, i) => {
    const absent = (1 - 3 / total) ** itemCounts[item]! * (1 - 1 / 15) ** 6;
    expect(batch.feeds['item.logq']!.data[i]).toBeCloseTo(Math.log(1 - absent), 5);
  });
  const repeated = assembleBatch(dataset, rows, { negatives, itemCounts, itemPerPair: true });
  expect(repeated.dims).toEqual({ B: 3, I: 9, P: 3 });
  expect(without.feeds['item.logq']).toBeUndefined();
});

test('weights come from a feedback column, and an unknown column is named', () => {
  const { feeds } = assembleBatch(dataset, rowsOf(0, 1, 2), { label: 'seconds', weight: 'click' });
  const seconds = dataset.events.feedback.get('seconds')!;
  const click = dataset.events.feedback.get('click')!;
  expect(feeds['pair.label']!.data).toEqual(seconds.slice(0, 3));
  expect(feeds['pair.weight']!.data).toEqual(click.slice(0, 3));
  expect(assembleBatch(dataset, rowsOf(0, 1)).feeds['pair.weight']!.data).toEqual(Float32Array.of(1, 1));
  expect(() => assembleBatch(dataset, rowsOf(0), { label: 'clik' })).toThrow('did you mean "click"?');
});

test('an empty batch is three empty tables', () => {
  expect(assembleBatch(dataset, rowsOf()).dims).toEqual({ B: 0, I: 0, P: 0 });
});
