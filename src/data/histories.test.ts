import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../random.js';
import type { Feature, Feeds } from '../schema.js';
import type { EntityTable, HistoryLog } from './dataset.js';
import { FeedBuffers, IdDropout } from './feeds.js';
import { firstNotBefore, gatherHistory } from './histories.js';

const features: Feature[] = [
  { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'id', size: 100 },
  { name: 'tags', owner: 'item', encoding: 'ids', vocabulary: 'tags', size: 100, maxLength: 2 },
  { name: 'size', owner: 'item', encoding: 'numbers', width: 3 },
];
const itemCount = 9;
const items: EntityTable = {
  count: itemCount,
  columns: new Map([
    ['id', { encoding: 'id', rows: Int32Array.from({ length: itemCount }, (_, i) => i + 10) }],
    [
      'tags',
      {
        encoding: 'ids',
        rows: Int32Array.from({ length: itemCount * 2 }, (_, i) => i + 30),
        lengths: Int32Array.from({ length: itemCount }, (_, i) => 1 + (i % 2)),
        maxLength: 2,
      },
    ],
    [
      'size',
      { encoding: 'numbers', width: 3, values: Float32Array.from({ length: itemCount * 3 }, (_, i) => i + 0.5) },
    ],
  ]),
};

interface Past {
  item: number;
  time: number;
}

function logOf(users: Past[][], maxLength: number): HistoryLog {
  const offsets = [0];
  for (const past of users) offsets.push(offsets[offsets.length - 1]! + past.length);
  return {
    name: 'h',
    maxLength,
    offsets: Uint32Array.from(offsets),
    item: Int32Array.from(users.flat(), ({ item }) => item),
    time: Float64Array.from(users.flat(), ({ time }) => time),
  };
}

function gather(log: HistoryLog, users: number[], times: number[], buffers = new FeedBuffers()): Feeds {
  const feeds: Feeds = {};
  const history = { name: 'h', maxLength: log.maxLength, features };
  gatherHistory(feeds, history, log, items, users, times, users.length, buffers);
  return feeds;
}

const past = fc.array(
  fc.record({
    item: fc.integer({ min: 0, max: itemCount - 1 }),
    time: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(-Infinity)),
  }),
  { maxLength: 8 },
);

test('a history is the last events strictly before the request, right-aligned (brute-force twin)', () => {
  const buffers = new FeedBuffers(); // Shared, so that leftovers of an earlier batch would show.
  fc.assert(
    fc.property(
      fc.array(past, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.tuple(fc.nat(3), fc.integer({ min: -1, max: 7 })), { minLength: 1, maxLength: 6 }),
      (users, length, asked) => {
        for (const events of users) events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
        const requests = asked.map(([user, time]) => ({ user: user % users.length, time }));
        const feeds = gather(
          logOf(users, length),
          requests.map(({ user }) => user),
          requests.map(({ time }) => time),
          buffers,
        );
        const rows = requests.map(({ user, time }) => users[user]!.filter((e) => e.time < time).slice(-length));
        const padded = rows.map((row) => [...Array(length - row.length).fill(null), ...row] as (Past | null)[]);
        const flat = padded.flat();
        const expected: Record<string, number[]> = {
          'history.h.length': rows.map((row) => row.length),
          'history.h.lag': padded.flatMap((row, b) =>
            row.map((e) => (e === null || e.time === -Infinity ? 0 : requests[b]!.time - e.time)),
          ),
          'history.h.id': flat.map((e) => (e === null ? 0 : e.item + 10)),
          'history.h.tags': flat.flatMap((e) => (e === null ? [0, 0] : [e.item * 2 + 30, e.item * 2 + 31])),
          'history.h.tags.length': flat.map((e) => (e === null ? 0 : 1 + (e.item % 2))),
          'history.h.size': flat.flatMap((e) => [0, 1, 2].map((k) => (e === null ? 0 : e.item * 3 + k + 0.5))),
        };
        expect(Object.keys(feeds).sort()).toEqual(Object.keys(expected).sort());
        for (const [name, values] of Object.entries(expected)) expect([...feeds[name]!.data], name).toEqual(values);
      },
    ),
    { seed: 2, numRuns: 300 },
  );
});

test('shapes are [B, L, ...] and equal times are excluded', () => {
  const log = logOf(
    [
      [
        { item: 1, time: -Infinity },
        { item: 2, time: 5 },
        { item: 3, time: 5 },
      ],
    ],
    4,
  );
  const feeds = gather(log, [0, 0], [5, 6]);
  expect(feeds['history.h.length']).toEqual({ data: Int32Array.of(1, 3), shape: [2] });
  expect(feeds['history.h.id']?.shape).toEqual([2, 4]);
  expect(feeds['history.h.tags']?.shape).toEqual([2, 4, 2]);
  expect(feeds['history.h.tags.length']?.shape).toEqual([2, 4]);
  expect(feeds['history.h.size']?.shape).toEqual([2, 4, 3]);
  expect([...feeds['history.h.id']!.data]).toEqual([0, 0, 0, 11, 0, 11, 12, 13]);
  expect([...feeds['history.h.lag']!.data]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
});

test('users beyond the log and times that are no number have no history', () => {
  const log = logOf([[{ item: 1, time: 1 }]], 2);
  expect([...gather(log, [7, 0], [9, Number.NaN])['history.h.length']!.data]).toEqual([0, 0]);
});

test('dropout reaches the ids of a history and nothing else', () => {
  const log = logOf([[{ item: 1, time: 1 }]], 1);
  const feeds: Feeds = {};
  const dropout = new IdDropout(1, Random.of(1));
  const history = { name: 'h', maxLength: 1, features };
  gatherHistory(feeds, history, log, items, [0], [2], 1, new FeedBuffers(), dropout);
  expect([...feeds['history.h.id']!.data, ...feeds['history.h.tags']!.data]).toEqual([0, 0, 0]);
  expect([...feeds['history.h.tags.length']!.data]).toEqual([2]);
  expect([...feeds['history.h.size']!.data]).toEqual([3.5, 4.5, 5.5]);
});

test('the binary search agrees with a scan', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: -1, max: 10 }), (values, time) => {
      const times = Float64Array.from(values).sort();
      const scan = times.findIndex((t) => t >= time);
      expect(firstNotBefore(times, 0, times.length, time)).toBe(scan === -1 ? times.length : scan);
    }),
    { seed: 3 },
  );
});
