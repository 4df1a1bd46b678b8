import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawTable } from './raw-table.js';
import { UserStore } from './user-store.js';

function store() {
  const users = RawTable.of(['', '1', 'ann'], new Map([['city', [null, 'Rome', 'Oslo']]]));
  const items = RawTable.of(['', '10', '20', '30'], new Map());
  const clicks = {
    offsets: Uint32Array.of(0, 0, 3, 4),
    item: Int32Array.of(1, 2, 1, 3),
    time: Float64Array.of(-Infinity, 5, 9, 7),
  };
  const rules = [
    { name: 'clicks', positive: 'click', maxLength: 3 },
    { name: 'likes', positive: 'like', maxLength: 2 },
  ];
  return new UserStore(users, items, new Map([['clicks', clicks]]), rules, 'user_id');
}

test('histories are what the artifact brought, then what was added, strictly before the time', () => {
  const users = store();
  expect(users.past(1, 'clicks', 9, 10)).toEqual([
    { item: '10', time: -Infinity },
    { item: '20', time: 5 },
  ]);
  expect(users.add({ user: '1', item: 30, time: 6, feedback: { click: 1 } })).toBe(true);
  expect(users.past(1, 'clicks', Infinity, 3).map(({ item, time }) => [String(item), time])).toEqual([
    ['20', 5],
    ['30', 6],
    ['10', 9],
  ]);
  expect([...users.seen(1)]).toEqual([1, 2, 1, 3]);
});

test('an event counts once, and only where its feedback is remembered', () => {
  const users = store();
  const event = { user: 1, item: '20', time: 20, feedback: { click: 1, like: 2 } };
  expect([users.add(event), users.add({ ...event, item: 20 }), users.version(1)]).toEqual([true, false, 1]);
  expect(users.past(1, 'likes', Infinity, 9)).toEqual([{ item: 20, time: 20 }]);
  // What the artifact has, it has.
  expect(users.add({ user: 1, item: 10, time: 9, feedback: { click: 1 } })).toBe(false);
  expect(users.add({ user: 1, item: 10, time: 99, feedback: { click: 0, view: 1 } })).toBe(false);
  expect(users.add({ user: 1, item: 10, time: 99, feedback: JSON.parse('{"__proto__": 1}') })).toBe(false);
});

test('an event makes a user known; a put keeps histories; a deletion forgets all', () => {
  const users = store();
  expect([users.has('new'), users.values('new')]).toEqual([false, { user_id: 'new' }]);
  users.add({ user: 'new', item: 10, time: 1, feedback: { click: 1 } });
  expect(users.describe('new')).toEqual({
    key: 'new',
    values: { user_id: 'new' },
    histories: { clicks: [{ item: '10', time: 1 }], likes: [] },
  });
  users.put({ key: 'new', values: { city: 'Bern' } });
  expect(users.describe('new')).toMatchObject({
    values: { city: 'Bern', user_id: 'new' },
    histories: { clicks: [{}] },
  });
  expect([users.delete('new'), users.delete('new'), users.describe('new')]).toEqual([true, false, undefined]);
  expect([users.delete(1), users.past(1, 'clicks', Infinity, 9), users.size]).toEqual([true, [], 1]);
});

test('keys that are none change nothing', () => {
  const users = store();
  expect(users.put({ key: '', values: {} })).toBe(false);
  expect(users.add({ user: 1, item: Number.NaN, time: 1, feedback: { click: 1 } })).toBe(false);
  expect(users.seen('nobody')).toEqual(new Int32Array(0));
});

test('added events are those of a sorted list, however they arrive', () => {
  const event = fc.record({ item: fc.integer({ min: 40, max: 60 }), time: fc.integer({ min: 10, max: 30 }) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), fc.integer({ min: 10, max: 31 }), (events, time) => {
      const users = store();
      for (const one of events) users.add({ user: 5, ...one, feedback: { click: 1 } });
      const distinct = [...new Map(events.map((one) => [`${one.item} ${one.time}`, one])).values()];
      const expected = distinct.filter((one) => one.time < time).sort((a, b) => a.time - b.time);
      const found = users.past(5, 'clicks', time, 8);
      expect(found.map((one) => one.time)).toEqual(expected.map((one) => one.time).slice(-8));
      expect(users.past(5, 'clicks', time, 99)).toEqual(expect.arrayContaining(expected));
    }),
  );
});
