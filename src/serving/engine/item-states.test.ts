import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Feeds } from '../../schema.js';
import { type SharedStates, StateGatherer, withRoom, writeRows } from './item-states.js';

/** States whose value k of row r is 1000 r + k. */
function states(rows: number, width: number): SharedStates {
  const values = Array.from({ length: rows * width }, (_, at) => 1000 * Math.floor(at / width) + (at % width));
  const state = (data: Float32Array | Int32Array) => ({ data, width, shape: [width] });
  return { a: state(Float32Array.from(values)), b: state(Int32Array.from(values)), unread: state(new Float32Array(0)) };
}

test('rows are gathered whole, narrow and wide ones, again and again into the same memory', () => {
  const gatherer = new StateGatherer();
  const row = fc.integer({ min: 0, max: 6 });
  fc.assert(
    fc.property(fc.constantFrom(1, 3, 63, 64, 130), fc.array(row, { maxLength: 12 }), (width, rows) => {
      const feeds: Feeds = {};
      gatherer.gather(states(7, width), ['a', 'b'], Int32Array.from(rows), rows.length, feeds);
      const expected = rows.flatMap((r) => Array.from({ length: width }, (_, k) => 1000 * r + k));
      for (const name of ['a', 'b']) {
        expect([...feeds[name]!.data]).toEqual(expected);
        expect(feeds[name]!.shape).toEqual([rows.length, width]);
      }
      expect(Object.keys(feeds)).toEqual(['a', 'b']);
    }),
  );
});

test('more room keeps what was there, in shared memory, and rows are written where they belong', () => {
  const { a } = states(3, 2);
  const grown = withRoom(a!, 5);
  expect(grown.data.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect([...grown.data]).toEqual([0, 1, 1000, 1001, 2000, 2001, 0, 0, 0, 0]);
  writeRows({ a: grown }, Int32Array.of(4, 1), { a: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] } });
  expect([...grown.data]).toEqual([0, 1, 3, 4, 2000, 2001, 0, 0, 1, 2]);
});
