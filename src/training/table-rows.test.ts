import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Lookup, NOWHERE } from '../graph/index.js';
import type { Feeds } from '../schema.js';
import { type BundleLayout, RowTracker, writeRows } from './table-rows.js';

const ROWS = 9;

/** Tables of nine rows each, one below the other. */
function layoutOf(bundles: Record<string, string[]>): Map<string, BundleLayout> {
  return new Map(
    Object.entries(bundles).map(([bundle, tables]) => [
      bundle,
      { rows: ROWS * tables.length, offsets: new Map(tables.map((table, i) => [table, i * ROWS])) },
    ]),
  );
}

const lookup = (table: string, ids: string, bundle = table): Lookup => ({
  table,
  bundle,
  ids,
  positions: `${table}@${ids}`,
});
const ids = (...values: number[]) => ({ data: Int32Array.from(values), shape: [values.length] });

test('by hand: two lookups of one table share the positions of their rows', () => {
  const tracker = new RowTracker([lookup('t', 'item'), lookup('t', 'past')], layoutOf({ t: ['t'] }));
  const feeds: Feeds = { item: ids(5, 3, 5), past: { data: Int32Array.from([0, 3, 7, 5]), shape: [2, 2] } };
  expect(tracker.track(feeds)).toEqual([{ bundle: 't', rows: Int32Array.from([5, 3, 0, 7]) }]);
  expect(feeds['t#touched']).toEqual({ data: Int32Array.from([5, 3, 0, 7]), shape: [4] });
  expect(feeds['t@item']).toEqual({ data: Int32Array.from([0, 1, 0]), shape: [3] });
  expect(feeds['t@past']).toEqual({ data: Int32Array.from([2, 1, 3, 0]), shape: [2, 2] });
});

test('by hand: tables of one bundle share its rows, each below the one before', () => {
  const tracker = new RowTracker([lookup('a', 'x', 'both'), lookup('b', 'y', 'both')], layoutOf({ both: ['a', 'b'] }));
  const feeds: Feeds = { x: ids(5, 3, 5), y: ids(5, 0) };
  expect(tracker.track(feeds)).toEqual([{ bundle: 'both', rows: Int32Array.from([5, 3, 14, 9]) }]);
  expect(feeds['a@x']).toEqual({ data: Int32Array.from([0, 1, 0]), shape: [3] });
  expect(feeds['b@y']).toEqual({ data: Int32Array.from([2, 3]), shape: [2] });
  expect(feeds['both#positions']).toEqual({ data: Int32Array.from([0, 1, 0, 2, 3]), shape: [5] });
});

test('by hand: padding has positions to read from, and none to sum at', () => {
  const padding = new Map([
    ['tags', { length: 'tags.length', used: 'start' as const }],
    ['past', { length: 'past.length', used: 'end' as const }],
  ]);
  const tracker = new RowTracker([lookup('t', 'tags'), lookup('t', 'past')], layoutOf({ t: ['t'] }), padding);
  const feeds: Feeds = {
    tags: { data: Int32Array.from([5, 0, 0, 3, 7, 0]), shape: [2, 3] },
    'tags.length': ids(1, 2),
    past: { data: Int32Array.from([0, 5, 4, 4]), shape: [2, 2] },
    'past.length': ids(1, 2),
  };
  tracker.track(feeds);
  expect([...feeds['t@tags']!.data]).toEqual([0, 1, 1, 2, 3, 1]);
  expect([...feeds['t@past']!.data]).toEqual([1, 0, 4, 4]);
  const not = NOWHERE;
  expect([...feeds['t#positions']!.data]).toEqual([0, not, not, 2, 3, not, not, 0, 4, 4]);
});

test('by hand: of lists that end with what they hold, that alone is looked up', () => {
  const padding = new Map([
    ['past', { length: 'past.length', used: 'end' as const }],
    ['tags', { length: 'tags.length', used: 'start' as const }],
  ]);
  const ofEvents = (ids: string): Lookup => ({ ...lookup('t', ids), lengths: 'past.length' });
  const tracker = new RowTracker([ofEvents('past'), ofEvents('tags')], layoutOf({ t: ['t'] }), padding);
  const feeds: Feeds = {
    // Two events, none, one; each with one or two tags.
    past: { data: Int32Array.from([8, 5, 4, 8, 8, 8, 8, 8, 5]), shape: [3, 3] },
    'past.length': ids(2, 0, 1),
    tags: { data: Int32Array.from([8, 8, 1, 0, 2, 1, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 3, 0]), shape: [3, 3, 2] },
    'tags.length': { data: Int32Array.from([0, 1, 2, 0, 0, 0, 0, 0, 1]), shape: [3, 3] },
  };
  expect(tracker.track(feeds)).toEqual([{ bundle: 't', rows: Int32Array.from([5, 4, 1, 0, 2, 3]) }]);
  expect(feeds['t@past']).toEqual({ data: Int32Array.from([0, 1, 0]), shape: [3] });
  expect(feeds['t@tags']).toEqual({ data: Int32Array.from([2, 3, 4, 2, 5, 3]), shape: [3, 2] });
  const not = NOWHERE;
  expect([...feeds['t#positions']!.data]).toEqual([0, 1, 0, 2, not, 4, 2, 5, not]);
});

test('by hand: a whole table is touched in every batch, rows that others found first included', () => {
  const whole: Lookup = { table: 'b', bundle: 'both', ids: ROWS, positions: 'b@all' };
  const lookups = [lookup('a', 'x', 'both'), lookup('b', 'y', 'both'), whole];
  const tracker = new RowTracker(lookups, layoutOf({ both: ['a', 'b'] }));
  const feeds: Feeds = { x: ids(5), y: ids(2) };
  const rows = Int32Array.from([5, 11, 9, 10, 12, 13, 14, 15, 16, 17]);
  expect(tracker.track(feeds)).toEqual([{ bundle: 'both', rows }]);
  const all = Int32Array.from([2, 3, 1, 4, 5, 6, 7, 8, 9]);
  expect(feeds['b@all']).toEqual({ data: all, shape: [ROWS] });
  expect(feeds['both#positions']!.data).toEqual(Int32Array.from([0, 1, ...all]));
});

const list = fc.array(fc.nat(ROWS - 1), { maxLength: 20 });

test('batch after batch: each row once, positions lead back to the ids, tables do not mix', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(list, list, list), { minLength: 1, maxLength: 4 }), (batches) => {
      const tracker = new RowTracker(
        [lookup('a', 'x'), lookup('b', 'y'), lookup('a', 'z')],
        layoutOf({ a: ['a'], b: ['b'] }),
      );
      for (const [x, y, z] of batches) {
        const feeds: Feeds = { x: ids(...x), y: ids(...y), z: ids(...z) };
        const touched = Object.fromEntries(tracker.track(feeds).map(({ bundle, rows }) => [bundle, [...rows]]));
        expect(touched).toEqual({ a: [...new Set([...x, ...z])], b: [...new Set(y)] });
        for (const [name, given] of Object.entries({ 'a@x': x, 'b@y': y, 'a@z': z })) {
          const rows = touched[name[0]!]!;
          expect(Array.from(feeds[name]!.data, (position) => rows[position])).toEqual(given);
        }
      }
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('positions of an earlier batch stay as they were while the next is prepared', () => {
  const tracker = new RowTracker([lookup('t', 'item')], layoutOf({ t: ['t'] }));
  const first: Feeds = { item: ids(4, 2, 4) };
  const [touched] = tracker.track(first);
  tracker.track({ item: ids(8, 8, 1) });
  expect([...first['t@item']!.data]).toEqual([0, 1, 0]);
  expect([...touched!.rows]).toEqual([4, 2]);
});

test('writeRows puts each row of an update into its place and nothing elsewhere', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(ROWS - 1)), fc.integer({ min: 1, max: 3 }), (rows, width) => {
      const target = Float32Array.from({ length: ROWS * width }, (_, i) => -i);
      const update = Float32Array.from({ length: rows.length * width }, (_, i) => 100 + i);
      const expected = Array.from({ length: ROWS * width }, (_, i) => {
        const at = rows.indexOf(Math.floor(i / width));
        return at < 0 ? -i : 100 + at * width + (i % width);
      });
      writeRows(target, width, Int32Array.from(rows), update);
      expect(Array.from(target, (x) => x + 0)).toEqual(expected.map((x) => x + 0));
    }),
    { seed: 1, numRuns: 100 },
  );
});
