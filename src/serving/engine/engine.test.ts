import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { itemFeeds, requestFeeds } from '../../data/batches.js';
import { loadRunData } from '../../runs/data.js';
import { openRun } from '../../runs/open.js';
import { sliceState } from '../../training/inference.js';
import type { Engine, Phase, RankAnswer } from '../contract.js';
import { publish } from '../publish.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from '../testing/toy-store.js';
import { openEngine } from './engine.js';

let toy: ToyRuns;
let folder: string;
let engine: Engine;

beforeAll(async () => {
  toy = await toyRuns('retrieve', 'prerank', 'rank');
  folder = (await publish({ store: join(toy.folder, 'store'), phases: toy.plans })).folder;
}, TOY_TIMEOUT);
afterAll(() => toy.remove());
beforeEach(async () => {
  engine = await openEngine(folder, { workers: 0 });
});
afterEach(() => engine.close());

const EVERY = Array.from({ length: 40 }, (_, key) => key);
/** Scores by position among the candidates. */
const byPosition = ({ order, scores }: RankAnswer) => {
  const found = new Float32Array(order.length);
  order.forEach((at, i) => {
    found[at] = scores[i]!;
  });
  return found;
};

test.each<[Phase, number]>([
  ['retrieve', 0],
  ['prerank', 1],
  ['rank', 2],
])('%s scores what training would, histories and context included', async (phase, at) => {
  const run = await openRun(toy.plans[at]!.run);
  const dataset = await loadRunData(run.config);
  const { events, users, items, splits } = dataset;
  const rows = splits.test.subarray(0, 25);
  const of = (column: Int32Array | Float64Array) => Array.from(rows, (row) => column[row]!);
  const states = await run.inference.users(
    requestFeeds(dataset, { users: of(events.user), times: of(events.time), contexts: rows }),
  );
  const itemStates = await run.inference.items(
    itemFeeds(
      dataset,
      Array.from({ length: items.count }, (_, row) => row),
    ),
  );
  const surfaces =
    run.encoders.vocabularies[run.encoders.fields.find(({ name }) => name === 'surface')!.state.vocabulary as string]!;
  const surface = dataset.events.context.columns.get('surface')!;
  for (const [i, row] of rows.entries()) {
    const wanted = await run.inference.score(sliceState(states, i, i + 1), itemStates);
    const context = surface.encoding === 'id' ? { surface: surfaces.values[surface.rows[row]! - 1] } : {};
    const answer = await engine.rank({
      user: users.keys[events.user[row]!]!,
      time: events.time[row]!,
      context,
      candidates: items.keys,
      phase,
    });
    const found = byPosition(answer);
    found.forEach((score, item) => {
      expect(Math.abs(score - wanted[item]!)).toBeLessThanOrEqual(1e-5);
    });
    const order = Array.from(found.keys()).sort((a, b) => found[b]! - found[a]! || a - b);
    expect([...answer.order]).toEqual(order);
  }
  await run.release();
});

test('recommend is the cascade, worked out phase by phase', async () => {
  const asker = { user: 7, time: 2e9, context: { surface: 'feed' }, includeSeen: true };
  const ranked = async (phase: Phase, candidates: readonly string[]) => {
    const { order, scores } = await engine.rank({ ...asker, phase, candidates });
    return Array.from(order, (at, i) => ({ item: candidates[at]!, score: scores[i]!, phase }));
  };
  const keys = EVERY.map(String);
  const retrieved = (await ranked('retrieve', keys)).slice(0, 20);
  const preranked = await ranked(
    'prerank',
    retrieved.map(({ item }) => item),
  );
  const best = await ranked(
    'rank',
    preranked.slice(0, 10).map(({ item }) => item),
  );

  const answer = await engine.recommend({ ...asker, explain: true });
  expect(answer.items).toEqual(best.slice(0, 5));
  expect(answer.phases.map(({ phase, in: came, kept }) => [phase, came, kept])).toEqual([
    ['retrieve', 40, 20],
    ['prerank', 20, 10],
    ['rank', 10, 5],
  ]);
  expect(answer.explain!.map(({ phase, items, kept }) => [phase, items, kept])).toEqual([
    ['retrieve', retrieved.map(({ item }) => item), 20],
    ['prerank', preranked.map(({ item }) => item), 10],
    ['rank', best.map(({ item }) => item), 5],
  ]);
  // Who asks for more than the last phase orders gets what the phases before have left.
  const more = await engine.recommend({ ...asker, k: 15 });
  expect(more.items).toEqual([...best, ...preranked.slice(10, 15)]);
  expect((await engine.recommend({ ...asker, k: 30 })).items.map(({ phase }) => phase)).toEqual([
    ...Array(10).fill('rank'),
    ...Array(10).fill('prerank'),
    ...Array(10).fill('retrieve'),
  ]);
});

test('a phase that is switched off leaves the order of the one before', async () => {
  const asker = { user: 7, time: 2e9 };
  const whole = await engine.recommend({ ...asker, explain: true, k: 20 });
  const off = await engine.recommend({ ...asker, k: 10, phases: { prerank: false, rank: false } });
  expect(off.items.map(({ item }) => item)).toEqual(whole.explain![0]!.items.slice(0, 10));
  expect(off.degraded).toEqual([]);
  const noRank = await engine.recommend({ ...asker, k: 10, phases: { rank: false } });
  expect(noRank.items.map(({ item, phase }) => [item, phase])).toEqual(
    whole.explain![1]!.items.slice(0, 10).map((item) => [item, 'prerank']),
  );
  const short = await engine.recommend({ ...asker, phases: { retrieve: { keep: 4 }, rank: false } });
  expect(short.items.map(({ phase }) => phase)).toEqual([...Array(4).fill('prerank'), ...Array(6).fill('retrieve')]);
  await expect(engine.recommend({ ...asker, phases: { retrieve: false } })).rejects.toMatchObject({ code: 'USAGE' });
});

test('no time left: phases are skipped, and the answer says so', async () => {
  const asker = { user: 7, time: 2e9 };
  const whole = await engine.recommend({ ...asker, explain: true });
  const hurried = await engine.recommend({ ...asker, budgetMs: 0 });
  expect(hurried.degraded.map(({ phase, reason }) => [phase, reason])).toEqual([
    ['prerank', 'budget'],
    ['rank', 'budget'],
  ]);
  expect(hurried.items.map(({ item }) => item)).toEqual(whole.explain![0]!.items.slice(0, 5));
  const ranked = await engine.rank({ ...asker, candidates: [3, 1, 2], budgetMs: 0 });
  expect(ranked).toMatchObject({ phase: undefined, order: Uint32Array.of(0, 1, 2), degraded: [{ phase: 'rank' }] });
  expect([...ranked.scores]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(engine.stats().degraded).toEqual({ retrieve: 0, prerank: 1, rank: 2 });
});

describe('whatever is asked', () => {
  test('unknown users and items are scored as unknown, duplicates alike', async () => {
    const candidates = [1, 'nothing', '__proto__', 2, 1, '\0', 'x'.repeat(10_000)];
    for (const user of ['nobody', '__proto__', '', Number.NaN, {} as never]) {
      const answer = await engine.rank({ user, candidates });
      const [one, nothing, proto, , again, zero, long] = byPosition(answer);
      expect([again, proto, zero, long]).toEqual([one, nothing, nothing, nothing]);
      expect(answer).toMatchObject({ unknown: 4, userKnown: false });
    }
    expect((await engine.rank({ candidates: [] })).order.length).toBe(0);
    expect((await engine.recommend({ user: 'nobody' })).items.length).toBe(5);
  });

  test('typed arrays and text name the same items', async () => {
    const asker = { user: 3, time: 2e9 };
    const { order, scores } = await engine.rank({ ...asker, candidates: EVERY });
    for (const candidates of [
      Int32Array.from(EVERY),
      Float64Array.from(EVERY),
      BigInt64Array.from(EVERY, BigInt),
      EVERY.map(String),
    ]) {
      expect(await engine.rank({ ...asker, candidates })).toMatchObject({ order, scores });
    }
  });

  test('limits are told with their key', async () => {
    const many = Array.from({ length: 10_001 }, () => 1);
    await expect(engine.rank({ candidates: many })).rejects.toThrow('candidates: 10001 keys, at most 10000');
    expect((await engine.rank({ candidates: many.slice(1) })).order.length).toBe(10_000);
    await expect(engine.recommend({ k: 1001 })).rejects.toThrow('k: 1001');
    await expect(engine.recommend({ k: 0 })).rejects.toThrow('k: 0');
    await expect(engine.recommend({ filter: { exclude: many } })).rejects.toThrow('include and exclude');
    await expect(engine.recommend({ filter: { where: [{ field: 'nope' }] } })).rejects.toThrow('no column "nope"');
    await expect(engine.rank({ candidates: [1], phase: 'nope' as never })).rejects.toThrow(
      'It has: retrieve, prerank, rank',
    );
  });
});

test('filters', async () => {
  const ask = async (filter: object, k = 40) =>
    (await engine.recommend({ user: 7, includeSeen: true, k, filter })).items.map(({ item }) => Number(item));
  const ascending = (keys: number[]) => keys.sort((a, b) => a - b);
  const column = engine.info.itemColumns.find((name) => name !== 'item_id')!;
  const value = engine.item(3)!.values[column] as string;
  const same = EVERY.filter((key) => engine.item(key)?.values[column] === value);
  expect(ascending(await ask({ include: [5, 6, 7, 'nothing', 5] }))).toEqual([5, 6, 7]);
  expect(ascending(await ask({ exclude: EVERY.slice(4) }))).toEqual([0, 1, 2, 3]);
  expect(ascending(await ask({ where: [{ field: column, equals: value }] }))).toEqual(same);
  expect(ascending(await ask({ include: [3, 4], exclude: [4], where: [{ field: column, equals: value }] }))).toEqual([
    3,
  ]);
  expect(await ask({ where: [{ field: column, equals: 'nothing' }] })).toEqual([]);
});

test('what is in the histories is left out unless it is asked for', async () => {
  const seen = new Set(engine.user(7)!.histories.clicks!.map(({ item }) => item));
  expect(seen.size).toBeGreaterThan(0);
  const left = await engine.recommend({ user: 7, k: 40 });
  expect(left.items.filter(({ item }) => seen.has(item))).toEqual([]);
  expect((await engine.recommend({ user: 7, k: 40, includeSeen: true })).items.length).toBe(40);
  const told = await engine.recommend({ k: 40, histories: { clicks: [{ item: 3, time: 1 }, { item: '4' }] } });
  expect(told.items.length).toBe(38);
});

test('a new item is found at once, scored as one of the data that has its values, and gone when deleted', async () => {
  const twin = engine.item(5)!.values;
  const report = await engine.putItems([
    { key: 'new', values: { ...twin, item_id: 5 } },
    { key: 'new', values: twin },
    { key: '', values: {} },
  ]);
  expect(report).toEqual({ applied: 1, ignored: 2 });
  expect(engine.item('new')).toEqual({ key: 'new', values: twin });
  const scores = byPosition(await engine.rank({ user: 7, candidates: [5, 'new'] }));
  expect(scores[1]).toBe(scores[0]);
  const found = await engine.recommend({ user: 7, k: 41, includeSeen: true });
  expect(found.items.map(({ item }) => item)).toContain('new');
  expect(engine.stats().items).toBe(41);
  expect(await engine.deleteItems(['new', 'nothing'])).toEqual({ applied: 1, ignored: 1 });
  const after = await engine.recommend({ user: 7, k: 41, includeSeen: true });
  expect([after.items.length, after.items.some(({ item }) => item === 'new')]).toEqual([40, false]);
});

test('a changed item is one item, with its new values, in scores and filters', async () => {
  const twin = engine.item(9)!.values;
  const [before] = byPosition(await engine.rank({ user: 7, candidates: [8] }));
  await engine.putItems([{ key: 8, values: { ...twin } }]);
  const [eight, nine] = byPosition(await engine.rank({ user: 7, candidates: [8, 9] }));
  expect([eight === nine, eight === before]).toEqual([true, false]);
  const found = await engine.recommend({ user: 7, k: 41, includeSeen: true });
  expect(found.items.filter(({ item }) => item === '8').length).toBe(1);
  expect(found.items.length).toBe(40);
});

test('rows that changes have freed are used again, and memory grows when it must', async () => {
  for (let round = 0; round < 5; round++) {
    await engine.putItems(Array.from({ length: 100 }, (_, i) => ({ key: `n${i}`, values: { category: `c${round}` } })));
    expect(engine.stats().items).toBe(140);
  }
  const many = Array.from({ length: 6000 }, (_, i) => ({ key: `m${i}`, values: engine.item(i % 40)!.values }));
  expect(await engine.putItems(many)).toEqual({ applied: 6000, ignored: 0 });
  const scores = byPosition(await engine.rank({ user: 7, candidates: ['m7', 7, 'm4007', 'm5999', 39] }));
  expect([scores[0], scores[2], scores[3]]).toEqual([scores[1], scores[1], scores[4]]);
});

test('a click changes the state of its user at once, and only then', async () => {
  const ask = async (user: number) => [...byPosition(await engine.rank({ user, candidates: EVERY, phase: 'rank' }))];
  const [seven, eight] = [await ask(7), await ask(8)];
  const { hits } = engine.stats().cache;
  expect(await ask(7)).toEqual(seven);
  expect(engine.stats().cache.hits).toBe(hits + 1);
  const event = { user: 7, item: 11, time: 1.7e9, feedback: { click: 1 } };
  expect(await engine.addEvents([event, event, { ...event, feedback: { click: 0 } }])).toEqual({
    applied: 1,
    ignored: 2,
  });
  expect(await ask(7)).not.toEqual(seven);
  expect(await ask(8)).toEqual(eight);
  // The same as if the request had told it.
  const histories = { clicks: engine.user(7)!.histories.clicks! };
  expect([...byPosition(await engine.rank({ user: 7, histories, candidates: EVERY, phase: 'rank' }))]).toEqual(
    await ask(7),
  );
  expect((await engine.recommend({ user: 7, k: 40 })).items.some(({ item }) => item === '11')).toBe(false);
});

test('users are put, replaced and forgotten', async () => {
  const values = engine.user(7)!.values;
  await engine.putUsers([{ key: 'new', values }]);
  expect(engine.user('new')).toMatchObject({ key: 'new', values });
  const ask = async (asker: object) => [
    ...byPosition(await engine.rank({ ...asker, candidates: EVERY, phase: 'retrieve' })),
  ];
  const histories = { clicks: [] };
  expect(await ask({ user: 'new' })).toEqual(await ask({ user: 7, histories }));
  expect(await ask({ userFields: values, histories })).toEqual(await ask({ user: 'new' }));
  expect(await engine.deleteUsers(['new', 'new'])).toEqual({ applied: 1, ignored: 1 });
  expect(engine.user('new')).toBeUndefined();
});

test(
  'workers answer what the calling thread does, changes included',
  async () => {
    const entry = {
      file: new URL('../../testing/run.mjs', import.meta.url),
      argv: [new URL('./worker.ts', import.meta.url).pathname],
    };
    const threaded = await openEngine(folder, { workers: 2, entry });
    try {
      const asks = Array.from({ length: 12 }, (_, i) => ({ user: i * 5, time: 2e9, explain: true }));
      const compare = async () => {
        const found = await Promise.all(asks.map((ask) => threaded.recommend(ask)));
        for (const [i, ask] of asks.entries()) {
          const { items, explain } = await engine.recommend(ask);
          expect(found[i]).toMatchObject({ items, explain });
        }
      };
      await compare();
      for (const one of [engine, threaded]) {
        await one.putItems(Array.from({ length: 5000 }, (_, i) => ({ key: i + 20, values: one.item(i % 7)!.values })));
        await one.deleteItems([1, 4000]);
      }
      await compare();
    } finally {
      await threaded.close();
    }
    await expect(threaded.recommend({})).rejects.toMatchObject({ code: 'SERVING_CLOSED' });
  },
  TOY_TIMEOUT,
);
