import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dataset } from './dataset.js';
import { generateDataset } from './generate.js';
import { requestLists } from './request-lists.js';

const SMALL = { users: 4, items: 6, events: 120, days: 1, eventsPerRequest: 2 };
const numbered = generateDataset(SMALL);
const timed = generateDataset({ ...SMALL, requests: false });

const listsOf = (dataset: Dataset, rows: Uint32Array, window: number) => {
  const { offsets, events } = requestLists(dataset, rows, window);
  return Array.from(offsets.subarray(1), (to, l) => [...events.subarray(offsets[l]!, to)]);
};

const contextOf = ({ events }: Dataset, row: number) => {
  const surface = events.context.columns.get('surface');
  return surface?.encoding === 'id' ? surface.rows[row] : undefined;
};

/** Each event goes to the first list that takes it. */
function twin(dataset: Dataset, rows: Uint32Array, window: number): number[][] {
  const { user, time, request } = dataset.events;
  const lists: number[][] = [];
  for (const row of rows) {
    const takes = (first: number) =>
      user[first] === user[row] &&
      contextOf(dataset, first) === contextOf(dataset, row) &&
      (request === undefined ? time[row]! - time[first]! <= window : request[first] === request[row]);
    const own = lists.findLast((list) => takes(list[0]!));
    if (own === undefined) lists.push([row]);
    else own.push(row);
  }
  return lists;
}

const someRows = fc
  .uniqueArray(fc.nat(SMALL.events - 1), { maxLength: SMALL.events })
  .map((rows) => Uint32Array.from(rows).sort());

describe('lists are the requests of the log', () => {
  // Numbers that are shared between users and surfaces.
  const shared = { ...numbered, events: { ...numbered.events, request: numbered.events.request!.map((r) => r % 5) } };
  const variants = { numbered, timed, shared, 'without context': generateDataset({ ...SMALL, context: false }) };
  test.each(Object.entries(variants))('%s (brute-force twin)', (_, dataset) => {
    fc.assert(
      fc.property(someRows, fc.constantFrom(0, 60, 3600, 1e9), (rows, window) => {
        expect(listsOf(dataset, rows, window)).toEqual(twin(dataset, rows, window));
      }),
      { seed: 4, numRuns: 60 },
    );
  });
});

test('a window is counted from the first event of a list, and its end belongs to it', () => {
  const at = [0, 50, 100, 101, 150];
  const dataset: Dataset = {
    ...generateDataset({ ...SMALL, context: false, requests: false, events: 5 }),
  };
  dataset.events.user.fill(1);
  dataset.events.time.set(at);
  expect(listsOf(dataset, Uint32Array.of(0, 1, 2, 3, 4), 100)).toEqual([
    [0, 1, 2],
    [3, 4],
  ]);
  expect(listsOf(dataset, new Uint32Array(0), 100)).toEqual([]);
});
