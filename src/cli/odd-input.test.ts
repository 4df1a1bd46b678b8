import { expect, test } from 'vitest';
import type { FieldEncoderState } from '../data/dataset.js';
import { oddities } from './odd-input.js';

const field = (owner: 'user' | 'item' | 'context', name: string, kind: string): FieldEncoderState => {
  return { owner, name, kind, column: name, state: {} };
};
const run = {
  encoders: {
    version: 1 as const,
    fields: [
      field('user', 'id', 'id'),
      field('user', 'age', 'numeric'),
      field('item', 'price', 'numeric'),
      field('context', 'place', 'categorical'),
    ],
    vocabularies: {},
  },
  schema: { user: [], context: [], item: [], histories: [{ name: 'clicks', maxLength: 5, features: [] }] },
};
const ofUsers = (...records: Record<string, unknown>[]) => oddities(run, 'user', records, 'u.jsonl');

test('nothing is odd about values of the right form, or none', () => {
  const histories = { clicks: [{ item: 3 }, { item: { id: 4 }, time: 17 }, { item: 5, time: null }] };
  expect(
    ofUsers({ id: 1, age: 30, place: 'x', time: 17, histories }, { id: 2, age: ' 31 ' }, { id: 3, age: '' }),
  ).toEqual([]);
  expect(oddities(run, 'item', [{ price: null }, { price: 3n }, { price: true }], 'i.csv')).toEqual([]);
});

test('columns that are no fields', () => {
  expect(ofUsers({ id: 1, plase: 'x', other: 2 })).toEqual([
    'u.jsonl: column "plase" is no field of this run, did you mean "place"?',
  ]);
  expect(ofUsers({ name: 'x' })).toEqual([
    expect.stringContaining('every row is unknown; known: id, age, place, histories, time'),
  ]);
});

test('numbers that are none', () => {
  expect(oddities(run, 'item', [{ price: 1 }, { price: 'cheap' }, { price: [2] }], 'i.csv')).toEqual([
    'i.csv: row 2, column "price": "cheap" is no number and counts as unknown; so in 2 rows',
  ]);
  expect(ofUsers({ id: 1, time: 'noon' })).toEqual([
    'u.jsonl: row 1, column "time": "noon" is no number and counts as unknown',
  ]);
});

test.each([
  [[], 'histories is no object of lists by name'],
  [{ cliks: [] }, 'there is no history "cliks", did you mean "clicks"?'],
  [{ clicks: {} }, 'the history "clicks" is no list'],
  [{ clicks: [{ item: 1 }, { time: 3 }] }, 'event 2 of the history "clicks" has no item'],
  [{ clicks: [null] }, 'event 1 of the history "clicks" has no item'],
  [
    { clicks: [{ item: 1, time: '3' }] },
    'event 1 of the history "clicks" has the time "3", which is no number of seconds',
  ],
])('histories %j', (histories, says) => {
  expect(ofUsers({ id: 1 }, { id: 2, histories })).toEqual([`u.jsonl: row 2: ${says}; that is left out`]);
});
