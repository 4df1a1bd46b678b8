import { expect, test } from 'vitest';
import { byPosition, EVERY_ITEM, toyEngine } from '../testing/toy-engine.js';

const made = toyEngine('retrieve', 'rank');

test('a new item is found at once, scored as one of the data that has its values, and gone when deleted', async () => {
  const twin = made.engine.item(5)!.values;
  const report = await made.engine.putItems([
    { key: 'new', values: { ...twin, item_id: 5 } },
    { key: 'new', values: twin },
    { key: '', values: {} },
  ]);
  expect(report).toEqual({ applied: 1, ignored: 2 });
  expect(made.engine.item('new')).toEqual({ key: 'new', values: twin });
  const scores = byPosition(await made.engine.rank({ user: 7, candidates: [5, 'new'] }));
  expect(scores[1]).toBe(scores[0]);
  const found = await made.engine.recommend({ user: 7, k: 41, includeSeen: true });
  expect(found.items.map(({ item }) => item)).toContain('new');
  expect(made.engine.stats().items).toBe(41);
  expect(await made.engine.deleteItems(['new', 'nothing'])).toEqual({ applied: 1, ignored: 1 });
  const after = await made.engine.recommend({ user: 7, k: 41, includeSeen: true });
  expect([after.items.length, after.items.some(({ item }) => item === 'new')]).toEqual([40, false]);
});

test('a changed item is one item, with its new values, in scores and filters', async () => {
  const twin = made.engine.item(9)!.values;
  const [before] = byPosition(await made.engine.rank({ user: 7, candidates: [8] }));
  await made.engine.putItems([{ key: 8, values: { ...twin } }]);
  const [eight, nine] = byPosition(await made.engine.rank({ user: 7, candidates: [8, 9] }));
  expect([eight === nine, eight === before]).toEqual([true, false]);
  const found = await made.engine.recommend({ user: 7, k: 41, includeSeen: true });
  expect(found.items.filter(({ item }) => item === '8').length).toBe(1);
  expect(found.items.length).toBe(40);
});

test('rows that changes have freed are used again, and memory grows when it must', async () => {
  for (let round = 0; round < 5; round++) {
    await made.engine.putItems(
      Array.from({ length: 100 }, (_, i) => ({ key: `n${i}`, values: { category: `c${round}` } })),
    );
    expect(made.engine.stats().items).toBe(140);
  }
  const many = Array.from({ length: 6000 }, (_, i) => ({ key: `m${i}`, values: made.engine.item(i % 40)!.values }));
  expect(await made.engine.putItems(many)).toEqual({ applied: 6000, ignored: 0 });
  const scores = byPosition(await made.engine.rank({ user: 7, candidates: ['m7', 7, 'm4007', 'm5999', 39] }));
  expect([scores[0], scores[2], scores[3]]).toEqual([scores[1], scores[1], scores[4]]);
});

test('a click changes the state of its user at once, and only then', async () => {
  const ask = async (user: number) => [
    ...byPosition(await made.engine.rank({ user, candidates: EVERY_ITEM, phase: 'rank' })),
  ];
  const [seven, eight] = [await ask(7), await ask(8)];
  const { hits } = made.engine.stats().cache;
  expect(await ask(7)).toEqual(seven);
  expect(made.engine.stats().cache.hits).toBe(hits + 1);
  const event = { user: 7, item: 11, time: 1.7e9, feedback: { click: 1 } };
  expect(await made.engine.addEvents([event, event, { ...event, feedback: { click: 0 } }])).toEqual({
    applied: 1,
    ignored: 2,
  });
  expect(await ask(7)).not.toEqual(seven);
  expect(await ask(8)).toEqual(eight);
  // The same as if the request had told it.
  const histories = { clicks: made.engine.user(7)!.histories.clicks! };
  expect([
    ...byPosition(await made.engine.rank({ user: 7, histories, candidates: EVERY_ITEM, phase: 'rank' })),
  ]).toEqual(await ask(7));
  expect((await made.engine.recommend({ user: 7, k: 40 })).items.some(({ item }) => item === '11')).toBe(false);
});

test('users are put, replaced and forgotten', async () => {
  const values = made.engine.user(7)!.values;
  await made.engine.putUsers([{ key: 'new', values }]);
  expect(made.engine.user('new')).toMatchObject({ key: 'new', values });
  const ask = async (asker: object) => [
    ...byPosition(await made.engine.rank({ ...asker, candidates: EVERY_ITEM, phase: 'retrieve' })),
  ];
  const histories = { clicks: [] };
  expect(await ask({ user: 'new' })).toEqual(await ask({ user: 7, histories }));
  expect(await ask({ userFields: values, histories })).toEqual(await ask({ user: 'new' }));
  expect(await made.engine.deleteUsers(['new', 'new'])).toEqual({ applied: 1, ignored: 1 });
  expect(made.engine.user('new')).toBeUndefined();
});
