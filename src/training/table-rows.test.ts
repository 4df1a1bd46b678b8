import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Lookup, Parameter } from '../graph/index.js';
import type { Feeds } from '../schema.js';
import { createOptimizer } from './optimizers.js';
import { ParameterStore } from './parameter-store.js';
import { RowTracker, writeRows } from './table-rows.js';

const ROWS = 9;

function storeOf(...tables: string[]): ParameterStore {
  const parameters = tables.map((name): Parameter => {
    const initialize = ([rows, width]: readonly number[]) => new Float32Array(rows! * width!);
    return { name, kind: 'table', shape: [ROWS, 2], initialize, decay: true };
  });
  return new ParameterStore(parameters, createOptimizer({ name: 'sgd', momentum: 0 }), 1);
}

const lookup = (table: string, ids: string): Lookup => ({ table, ids, positions: `${table}@${ids}` });
const ids = (...values: number[]) => ({ data: Int32Array.from(values), shape: [values.length] });

test('by hand: two lookups of one table share the positions of their rows', () => {
  const tracker = new RowTracker([lookup('t', 'item'), lookup('t', 'past')], storeOf('t'));
  const feeds: Feeds = { item: ids(5, 3, 5), past: { data: Int32Array.from([0, 3, 7, 5]), shape: [2, 2] } };
  expect(tracker.track(feeds)).toEqual([{ table: 't', rows: Int32Array.from([5, 3, 0, 7]) }]);
  expect(feeds['t#touched']).toEqual({ data: Int32Array.from([5, 3, 0, 7]), shape: [4] });
  expect(feeds['t@item']).toEqual({ data: Int32Array.from([0, 1, 0]), shape: [3] });
  expect(feeds['t@past']).toEqual({ data: Int32Array.from([2, 1, 3, 0]), shape: [2, 2] });
});

const list = fc.array(fc.nat(ROWS - 1), { maxLength: 20 });

test('batch after batch: each row once, positions lead back to the ids, tables do not mix', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(list, list, list), { minLength: 1, maxLength: 4 }), (batches) => {
      const tracker = new RowTracker([lookup('a', 'x'), lookup('b', 'y'), lookup('a', 'z')], storeOf('a', 'b'));
      for (const [x, y, z] of batches) {
        const feeds: Feeds = { x: ids(...x), y: ids(...y), z: ids(...z) };
        const touched = Object.fromEntries(tracker.track(feeds).map(({ table, rows }) => [table, [...rows]]));
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
  const tracker = new RowTracker([lookup('t', 'item')], storeOf('t'));
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
