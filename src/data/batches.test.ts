import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../random.js';
import { type Feeds, LIST_FEEDS } from '../schema.js';
import { assembleBatch, BatchAssembler, itemFeeds, requestFeeds } from './batches.js';
import type { Dataset } from './dataset.js';
import { fullStageSamples } from './full-stage.js';
import { generateDataset } from './generate.js';
import { listCount, rowsOfLists, withTeacher } from './samples.js';
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

describe('batches of lists', () => {
  const options = { impressions: 2, candidates: 0, randoms: 3, choose: 'random', window: 0, seed: 2 } as const;
  const sampler = uniformSampler(dataset.items.count);
  const samples = fullStageSamples(dataset, { ...options, sampler });
  const teacher = samples.item.map((item, row) => (row % 3 === 0 ? Number.NaN : item / 4));
  const taught = withTeacher(samples, Float32Array.from(teacher));
  const reads = new Set<string>(Object.values(LIST_FEEDS));
  const someLists = fc
    .uniqueArray(fc.nat(listCount(samples) - 1), { minLength: 1, maxLength: 12 })
    .map((lists) => Uint32Array.from(lists));

  test('every list is one request with its pairs (brute-force twin)', () => {
    fc.assert(
      fc.property(someLists, fc.boolean(), (lists, itemPerPair) => {
        const { dims, feeds, events, items } = assembleBatch(dataset, lists, { samples: taught, reads, itemPerPair });
        const { data: pairs, shape } = feeds['list.pairs']!;
        const mask = feeds['list.mask']!.data;
        expect([shape, feeds['list.mask']!.shape]).toEqual([[lists.length, shape[1]], shape]);
        const longest = Math.max(...Array.from(lists, (l) => samples.offsets[l + 1]! - samples.offsets[l]!));
        expect([dims.B, shape[1]]).toEqual([lists.length, longest]);
        let pair = 0;
        lists.forEach((list, b) => {
          const [from, to] = [samples.offsets[list]!, samples.offsets[list + 1]!];
          const speaker = samples.event[from]!;
          const request = requestFeeds(dataset, {
            users: [dataset.events.user[speaker]!],
            times: [dataset.events.time[speaker]!],
            contexts: [speaker],
          });
          expect(requestRow(feeds, b)).toEqual(requestRow(request, 0));
          for (let at = 0; at < longest; at++) {
            const row = from + at;
            const place = b * longest + at;
            expect([mask[place], pairs[place]]).toEqual(row < to ? [1, pair] : [0, 0]);
            if (row >= to) continue;
            expect(feeds['pair.request']!.data[pair]).toBe(b);
            expect(items[feeds['pair.item']!.data[pair]!]).toBe(samples.item[row]);
            expect(events[pair]).toBe(speaker);
            const read = ['pair.label', 'pair.stage', 'pair.teacher', 'pair.taught'].map(
              (name) => feeds[name]!.data[pair],
            );
            const score = taught.teacher![row]!;
            const known = Number.isNaN(score) ? [0, 0] : [score, 1];
            expect(read).toEqual([samples.label[row], samples.stage[row], ...known]);
            pair++;
          }
        });
        expect(dims.P).toBe(pair);
        expect(dims.I).toBe(itemPerPair ? pair : new Set(items).size);
      }),
      { seed: 8, numRuns: 30 },
    );
  });

  test('make only what is read', () => {
    const lists = rowsOf(0, 1);
    const names = (only?: Set<string>) =>
      Object.keys(assembleBatch(dataset, lists, { samples: taught, ...(only && { reads: only }) }).feeds);
    expect(names().filter((name) => [...reads].includes(name))).toEqual([]);
    expect(names(new Set([LIST_FEEDS.stage])).filter((name) => [...reads].includes(name))).toEqual(['pair.stage']);
    expect(names(reads)).toEqual(expect.arrayContaining([...reads]));
  });

  test('reuse of buffers leaves nothing of a longer list', () => {
    const by = Array.from({ length: listCount(samples) }, (_, list) => list).sort(
      (a, b) => samples.offsets[b + 1]! - samples.offsets[b]! - (samples.offsets[a + 1]! - samples.offsets[a]!),
    );
    const assembler = new BatchAssembler(dataset, { samples: taught, reads });
    for (const lists of [by.slice(0, 5), by.slice(5, 10), by.slice(-6), by.slice(-3)].map((l) => Uint32Array.from(l))) {
      expect(assembler.assemble(lists, 1)).toEqual(assembleBatch(dataset, lists, { samples: taught, reads }, 1));
    }
  });

  test('item.logq is the log of the chance that an item is in a batch of lists', () => {
    const counts = countItems(samples.item, samples.item.keys(), dataset.items.count);
    const total = listCount(samples);
    const size = 4;
    const met = new Float64Array(dataset.items.count);
    const rounds = 3000;
    const random = Random.of(1, 'lists');
    for (let round = 0; round < rounds; round++) {
      const lists = new Set<number>();
      while (lists.size < size) lists.add(random.below(total));
      for (const item of new Set(
        Array.from(rowsOfLists(samples, Uint32Array.from(lists)), (row) => samples.item[row]!),
      ))
        met[item]!++;
    }
    const batch = assembleBatch(dataset, rowsOf(0, 1, 2, 3), { samples, itemCounts: counts });
    batch.items.forEach((item, i) => {
      // The formula draws with replacement, which shows where lists are few.
      expect(Math.abs(batch.feeds['item.logq']!.data[i]! - Math.log(met[item]! / rounds))).toBeLessThan(0.15);
    });
  });
});

test('without lists, the pairs of one request in a batch are its list, and a teacher speaks for events', () => {
  const teacher = Float32Array.from({ length: dataset.events.count }, (_, row) => (row % 2 ? row : Number.NaN));
  const rows = rowsOf(3, 0, 4, 1);
  const reads = new Set<string>(Object.values(LIST_FEEDS));
  const { feeds, dims } = assembleBatch(dataset, rows, { teacher, reads });
  const request = [...feeds['pair.request']!.data];
  const { data, shape } = feeds['list.pairs']!;
  const lists = Array.from({ length: dims.B }, (_, b) => [...data.subarray(b * shape[1]!, (b + 1) * shape[1]!)]);
  const mask = feeds['list.mask']!.data;
  lists.forEach((list, b) => {
    const own = list.filter((_, at) => mask[b * shape[1]! + at] === 1);
    expect(own).toEqual(request.flatMap((of, pair) => (of === b ? [pair] : [])));
  });
  expect([...feeds['pair.teacher']!.data]).toEqual([3, 0, 0, 1]);
  expect([...feeds['pair.taught']!.data]).toEqual([1, 0, 0, 1]);
  expect([...feeds['pair.stage']!.data]).toEqual([...rows].map((row) => dataset.events.stage[row]));
});
