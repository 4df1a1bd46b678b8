import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Database } from './database.js';
import { type LeaveOut, markParts } from './leave-out.js';
import { loadDataset } from './load.js';
import { shop } from './testing/shop.js';

const partsOf = (split: Record<string, Uint32Array>) =>
  Object.fromEntries(Object.entries(split).map(([part, rows]) => [part, [...rows]]));

// In time order the users of the shop's events are 1 2 3 1 2 1 1 2 3 4.
const split = (to: string) => shop({}, (text) => text.replace(/split: .*/, `split: ${to}`));

it("leaves out every user's newest events", async () => {
  const { splits, encoders } = await loadDataset(split('{newest: 1}'));
  // Users 1 (0 3 5 6), 2 (1 4 7), 3 (2 8) and 4 (9).
  expect(partsOf(splits)).toEqual({ train: [0, 1, 3], validation: [2, 4, 5], test: [6, 7, 8, 9] });
  expect(encoders.vocabularies['user.user']!.counts).toEqual([0, 2, 1]);
});

it('leaves out whole users, of whom the newest events are asked for and the others are history', async () => {
  const { splits, events, histories, encoders } = await loadDataset(
    split('{newest: 1, users: {train: 0.5, validation: 0.25}}'),
  );
  const usersOf = (rows: Uint32Array) => [...new Set(Array.from(rows, (row) => events.user[row]!))];
  const [train, validation, test] = [splits.train, splits.validation, splits.test].map(usersOf);
  expect([train!.length, validation!.length, test!.length]).toEqual([2, 1, 1]);
  expect(new Set([...train!, ...validation!, ...test!]).size).toBe(4);
  const rowsOf = (user: number) => [...events.user.keys()].filter((row) => events.user[row] === user);
  expect([...splits.train]).toEqual(train!.flatMap(rowsOf).sort((a, b) => a - b));
  expect([...splits.validation]).toEqual([rowsOf(validation![0]!).at(-1)]);
  expect([...splits.test]).toEqual([rowsOf(test![0]!).at(-1)]);
  // What training never saw is still remembered, and taught nothing.
  expect(histories[0]!.item.length).toBe(6);
  expect(encoders.vocabularies['user.user']!.values.length).toBe(2);
});

it('deals users out by the seed, the same way every time', async () => {
  const load = async (seed: number) =>
    partsOf((await loadDataset(split(`{newest: 1, users: {train: 0.5, validation: 0.25, seed: ${seed}}}`))).splits);
  expect(await load(1)).toEqual(await load(1));
  expect(await load(2)).not.toEqual(await load(1));
});

it('refuses to leave nothing', async () => {
  await expect(loadDataset(split('{newest: 4}'))).rejects.toThrow(
    /split: the train part is empty: no user is left for it/,
  );
  expect(() => split('{newest: 1, users: {train: 0.5, validation: 0.5}}')).toThrow(
    /split\.users: train and validation/,
  );
});

interface Event {
  user: string;
  seconds: number;
  bad: boolean;
}

/** The same with loops: part by row, undefined for bad rows. */
function brute(events: readonly Event[], { newest, users }: LeaveOut, placeOf: ReadonlyMap<string, number>) {
  return events.map((event, row) => {
    if (event.bad) return null;
    const later = events.filter(
      (other, i) =>
        !other.bad &&
        other.user === event.user &&
        (other.seconds > event.seconds || (other.seconds === event.seconds && i > row)),
    ).length;
    if (users === undefined) return later < newest ? 2 : later < 2 * newest ? 1 : 0;
    const place = placeOf.get(event.user)!;
    if (place < users.train) return 0;
    if (later >= newest) return 3;
    return place < users.train + users.validation ? 1 : 2;
  });
}

const logs = fc.array(
  fc.record({
    user: fc.constantFrom('a', 'b', 'c', 'd', 'é'),
    seconds: fc.integer({ min: 0, max: 5 }),
    bad: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25 },
);
const options = fc.record({
  newest: fc.integer({ min: 1, max: 4 }),
  users: fc.option(fc.constant({ train: 0.4, validation: 0.3, seed: 7 }), { nil: undefined }),
});

it('agrees with counting by hand', async () => {
  const db = await Database.open('64MB');
  await fc.assert(
    fc.asyncProperty(logs, options, async (events, chosen) => {
      await db.run('CREATE OR REPLACE TABLE events ("user" VARCHAR, seconds DOUBLE, problem SMALLINT)');
      const values = events.map(({ user, seconds, bad }) => `('${user}', ${seconds}, ${bad ? 1 : 0})`);
      await db.run(`INSERT INTO events VALUES ${values.join(', ')}`);
      await markParts(db, chosen);
      const order = await db.rows<{ user: string }>(
        `SELECT "user" FROM events WHERE problem = 0 GROUP BY "user" ORDER BY md5('7 ' || "user")`,
      );
      const placeOf = new Map(order.map(({ user }, i) => [user, i / order.length]));
      const marked = await db.rows<{ cut: number | null }>('SELECT cut FROM events ORDER BY rowid');
      expect(marked.map(({ cut }) => cut)).toEqual(brute(events, chosen, placeOf));
    }),
    { numRuns: 20 },
  );
  db.close();
});
