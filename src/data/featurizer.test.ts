import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Feeds } from '../schema.js';
import { itemFeeds, requestFeeds } from './batches.js';
import { Featurizer } from './featurizer.js';
import { generateWithRecords } from './generate.js';

const { dataset, records } = generateWithRecords({ users: 30, items: 25, events: 800, historyLength: 5 });
const { schema, events } = dataset;
// Through JSON, as a run folder keeps it.
const state = JSON.parse(JSON.stringify(dataset.encoders));
const featurizer = Featurizer.fromState(schema, state);

const clicks = dataset.histories[0]!;
const pastOf = (user: number) =>
  Array.from({ length: clicks.offsets[user + 1]! - clicks.offsets[user]! }, (_, k) => {
    const at = clicks.offsets[user]! + k;
    return { item: records.items[clicks.item[at]!], time: clicks.time[at]! };
  });

test('raw values give the very feeds that training was given', () => {
  const rows = Uint32Array.from({ length: 60 }, (_, i) => i * 13);
  const users = Int32Array.from(rows, (row) => events.user[row]!);
  const times = Float64Array.from(rows, (row) => events.time[row]!);
  const raw = featurizer.encodeUsers({
    users: Array.from(users, (user) => records.users[user]),
    contexts: Array.from(rows, (row) => records.contexts[row]),
    times: [...times],
    // In any order, and with the future in it.
    histories: Array.from(users, (user) => ({ clicks: pastOf(user).reverse() })),
  });
  expect(raw['history.clicks.length']!.data.some((length) => length === 5)).toBe(true);
  const trained = requestFeeds(dataset, { users, times, contexts: rows });
  // Equal times may come in any order, so what is compared of a history is the log's own order.
  const ordered = featurizer.encodeUsers({
    users: Array.from(users, (user) => records.users[user]),
    contexts: Array.from(rows, (row) => records.contexts[row]),
    times: [...times],
    histories: Array.from(users, (user) => ({ clicks: pastOf(user) })),
  });
  expect(ordered).toEqual(trained);
  expect(raw['history.clicks.lag']).toEqual(trained['history.clicks.lag']);

  const items = Int32Array.from({ length: dataset.items.count }, (_, i) => i);
  expect(featurizer.encodeItems(records.items)).toEqual(itemFeeds(dataset, items));
});

test('histories may name items by key, and need no times', () => {
  const byKey = Featurizer.fromState(schema, state, {
    itemOf: (key) => records.items[dataset.items.keys.indexOf(String(key))],
  });
  const feeds = byKey.encodeUsers({
    users: [records.users[1]],
    histories: [{ clicks: [{ item: 'i3', time: 5 }, { item: 'i2', time: 9 }, { item: 'nothing' }] }],
  });
  const ids = itemFeeds(dataset, [0, 3, 2])['item.item_id']!.data;
  expect([...feeds['history.clicks.item_id']!.data]).toEqual([0, 0, ...ids]);
  expect([...feeds['history.clicks.length']!.data]).toEqual([3]);
  expect([...feeds['history.clicks.lag']!.data]).toEqual([0, 0, 0, 0, 0]);
});

test('what is not given is unknown', () => {
  const feeds = featurizer.encodeUsers({ users: [{}, { user_id: 'nobody', age: 'old' }, null] });
  for (const { data } of Object.values(feeds)) expect([...data].every((value) => value === 0)).toBe(true);
  const items = featurizer.encodeItems([{ genres: ['comedy', 'no such genre', 'drama', 'sport'] }]);
  expect([...items['item.genres.length']!.data]).toEqual([3]);
  expect(items['item.genres']!.data[1]).toBe(0);
});

const hostile = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withTypedArray: true }),
  fc.constantFrom<unknown>(
    Number.NaN,
    Infinity,
    -Infinity,
    1e308,
    -0,
    '__proto__',
    'constructor',
    'x'.repeat(1_000_000),
    '\ud800',
    Symbol('s'),
    () => 1,
    10n ** 400n,
    new Proxy([], {
      get() {
        throw new Error('no');
      },
    }),
    Array(1000).fill('action'),
  ),
);
const hostileRecord = fc.oneof(
  hostile,
  fc.record(
    {
      user_id: hostile,
      age: hostile,
      item_id: hostile,
      genres: hostile,
      surface: hostile,
      time: hostile,
      item: hostile,
    },
    { requiredKeys: [] },
  ),
  fc.constant(JSON.parse('{"__proto__": {"user_id": "u1"}, "constructor": 1}')),
  fc.constant({
    get age() {
      throw new Error('no');
    },
  }),
);

/** Ids within their vocabulary, lengths within their list, numbers finite. */
function expectUsable(feeds: Feeds): void {
  const features = [...schema.user, ...schema.context, ...schema.item];
  for (const [name, { data, shape }] of Object.entries(feeds)) {
    expect(data.length, name).toBe(shape.reduce((a, b) => a * b, 1));
    const feature = features.find((f) => name.endsWith(`.${f.name}`) || name.endsWith(`.${f.name}.length`));
    let most = Number.MAX_VALUE;
    if (feature?.encoding === 'id') most = feature.size - 1;
    if (feature?.encoding === 'ids') most = name.endsWith('.length') ? feature.maxLength : feature.size - 1;
    for (const value of data) {
      expect(Number.isFinite(value), name).toBe(true);
      expect(value, name).toBeLessThanOrEqual(most);
      if (feature !== undefined && feature.encoding !== 'numbers') expect(value, name).toBeGreaterThanOrEqual(0);
    }
  }
}

test('no value whatsoever throws, and all feeds stay usable', () => {
  fc.assert(
    fc.property(
      fc.array(hostileRecord, { minLength: 1, maxLength: 3 }),
      fc.array(hostileRecord, { maxLength: 3 }),
      fc.array(hostile, { maxLength: 3 }),
      fc.array(fc.oneof(hostile, fc.record({ clicks: fc.oneof(hostile, fc.array(hostileRecord)) })), { maxLength: 3 }),
      (users, contexts, times, histories) => {
        expectUsable(featurizer.encodeUsers({ users, contexts, times, histories }));
        expectUsable(featurizer.encodeItems(users));
      },
    ),
    { seed: 8, numRuns: 300 },
  );
});

test('numbers beyond float32 are missing ones', () => {
  const age = (value: unknown) => featurizer.encodeUsers({ users: [{ age: value }] })['user.age']!.data[0];
  expect(age(45)).not.toBe(0);
  for (const value of [1e300, -1e300, Number.NaN, Infinity, null, 'abc', {}]) expect(age(value)).toBe(0);
});

test('encoders that lack a feature or name an unknown kind are refused', () => {
  const [first, ...others] = state.fields;
  expect(() => Featurizer.fromState(schema, { ...state, fields: others })).toThrow('hold nothing of "user.user_id"');
  const renamed = { ...state, fields: [{ ...first, kind: 'idd' }, ...others] };
  expect(() => Featurizer.fromState(schema, renamed)).toThrow('did you mean "id"?');
});
