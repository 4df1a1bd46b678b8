import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Dataset } from './dataset.js';
import { generateDataset } from './generate.js';
import { indexRequests } from './requests.js';

const base = generateDataset({ users: 5, items: 5, events: 60 });

function withEvents(user: number[], request: number[], surface: number[]): Dataset {
  const count = user.length;
  return {
    ...base,
    events: {
      ...base.events,
      count,
      user: Int32Array.from(user),
      request: Int32Array.from(request),
      context: { count, columns: new Map([['surface', { encoding: 'id', rows: Int32Array.from(surface) }]]) },
    },
  };
}

test('events are one request when number, user and context agree (brute-force twin)', () => {
  const event = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -2, max: 2 }), fc.nat(1));
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 40 }), (log) => {
      const [user, request, surface] = [0, 1, 2].map((k) => log.map((e) => e[k]!)) as [number[], number[], number[]];
      const index = indexRequests(withEvents(user, request, surface));
      log.forEach((a, i) => {
        expect(index.first(i)).toBe(log.findIndex((b) => a[0] === b[0] && a[1] === b[1]));
        expect(index.key(i)).toBe(log.findIndex((b) => a.join() === b.join()));
      });
    }),
    { seed: 7 },
  );
});

test('many requests are told apart', () => {
  const many = Array.from({ length: 5000 }, (_, i) => i >> 1);
  const ones = many.map(() => 1);
  const index = indexRequests(withEvents(ones, many, ones));
  many.forEach((number, row) => {
    expect(index.key(row)).toBe(number * 2);
  });
});

test('without request numbers every event is a request; without context and history every user is', () => {
  const { request: _, ...events } = base.events;
  const byEvent = indexRequests({ ...base, events });
  expect([0, 1, 2].map(byEvent.key)).toEqual([0, 1, 2]);
  const byUser = indexRequests({ ...base, schema: { ...base.schema, context: [], histories: [] } });
  expect([0, 9, 33].map(byUser.key)).toEqual([0, 9, 33].map((row) => base.events.user[row]));
});
