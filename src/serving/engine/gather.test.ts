import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Feeds } from '../../schema.js';
import { StateGatherer } from './gather.js';
import { emptyStates, writeRows } from './item-states.js';

/** Some states that begin with 1000 r + k as value k of row r, and go on with numbers whose bits look like no number's. */
function states(rows: number, width: number, spare: number) {
  const at = (r: number, k: number) => (k % 5 === 3 ? -1 - k : 1000 * r + k);
  const values = Array.from({ length: rows * width }, (_, i) => at(Math.floor(i / width), i % width));
  const shape = [rows, width];
  const source = {
    floats: { data: Float32Array.from(values), shape },
    unread: { data: new Float32Array(rows), shape: [rows] },
    ints: { data: Int32Array.from(values), shape },
  };
  const packed = emptyStates(source, rows + spare);
  writeRows(
    packed,
    Int32Array.from({ length: rows }, (_, row) => row),
    source,
  );
  return { at, packed };
}

test('rows are gathered whole, narrow and wide ones, again and again into the same memory', () => {
  const row = fc.integer({ min: 0, max: 6 });
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 3, 8, 33, 130),
      // The second makes a table that is larger than the caches.
      fc.constantFrom(3, 2 ** 20),
      fc.array(fc.array(row, { maxLength: 80 }), { minLength: 1, maxLength: 3 }),
      (width, spare, requests) => {
        const gatherer = new StateGatherer();
        const { packed, at } = states(7, width, spare);
        for (const rows of requests) {
          const feeds: Feeds = {};
          gatherer.gather(packed, ['floats', 'ints'], Int32Array.from(rows), rows.length, feeds);
          const expected = rows.flatMap((r) => Array.from({ length: width }, (_, k) => at(r, k)));
          for (const name of ['floats', 'ints']) {
            expect([...feeds[name]!.data]).toEqual(expected);
            expect(feeds[name]!.shape).toEqual([rows.length, width]);
          }
          expect(Object.keys(feeds)).toEqual(['floats', 'ints']);
        }
      },
    ),
  );
});
