import { describe, expect, test } from 'vitest';
import { itemFeeds, requestFeeds } from '../../data/batches.js';
import { loadRunData } from '../../runs/data.js';
import { openRun } from '../../runs/open.js';
import { sliceState } from '../../training/inference.js';
import type { Phase } from '../contract.js';
import { byPosition, EVERY_ITEM, toyEngine } from '../testing/toy-engine.js';
import { TOY_TIMEOUT } from '../testing/toy-store.js';
import { openEngine } from './engine.js';

const made = toyEngine('retrieve', 'prerank', 'rank');

test.each<[Phase, number]>([
  ['retrieve', 0],
  ['prerank', 1],
  ['rank', 2],
])('%s scores what training would, histories and context included', async (phase, at) => {
  const run = await openRun(made.toy.plans[at]!.run);
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
    const answer = await made.engine.rank({
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

test('whom a version cannot take as he came to another one is left out of those it expects', async () => {
  const engine = await openEngine(made.folder, { workers: 0 });
  const visitor = { phase: 'retrieve' as const, user: 1, context: { surface: 'feed' } };
  await engine.expect([{ ...visitor, context: null as never }, { ...visitor, phase: 'none' as never }, visitor]);
  await engine.rank({ ...visitor, candidates: [1] });
  expect(engine.stats().cache).toMatchObject({ hits: 1, misses: 0 });
  await engine.close();
});

test('who asks again with every answer leaves timers their turn', async () => {
  let due = false;
  setTimeout(() => {
    due = true;
  }, 20);
  const end = performance.now() + 5000;
  const asked = { user: 7, phase: 'retrieve' as const, candidates: EVERY_ITEM };
  while (!due && performance.now() < end) await made.engine.rank(asked);
  expect(due).toBe(true);
});

test('recommend is the cascade, worked out phase by phase', async () => {
  const asker = { user: 7, time: 2e9, context: { surface: 'feed' }, includeSeen: true };
  const ranked = async (phase: Phase, candidates: readonly string[]) => {
    const { order, scores } = await made.engine.rank({ ...asker, phase, candidates });
    return Array.from(order, (at, i) => ({ item: candidates[at]!, score: scores[i]!, phase }));
  };
  const keys = EVERY_ITEM.map(String);
  const retrieved = (await ranked('retrieve', keys)).slice(0, 20);
  const preranked = await ranked(
    'prerank',
    retrieved.map(({ item }) => item),
  );
  const best = await ranked(
    'rank',
    preranked.slice(0, 10).map(({ item }) => item),
  );

  const answer = await made.engine.recommend({ ...asker, explain: true });
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
  const more = await made.engine.recommend({ ...asker, k: 15 });
  expect(more.items).toEqual([...best, ...preranked.slice(10, 15)]);
  expect((await made.engine.recommend({ ...asker, k: 30 })).items.map(({ phase }) => phase)).toEqual([
    ...Array(10).fill('rank'),
    ...Array(10).fill('prerank'),
    ...Array(10).fill('retrieve'),
  ]);
});

test('a phase that is switched off leaves the order of the one before', async () => {
  const asker = { user: 7, time: 2e9 };
  const whole = await made.engine.recommend({ ...asker, explain: true, k: 20 });
  const off = await made.engine.recommend({ ...asker, k: 10, phases: { prerank: false, rank: false } });
  expect(off.items.map(({ item }) => item)).toEqual(whole.explain![0]!.items.slice(0, 10));
  expect(off.degraded).toEqual([]);
  const noRank = await made.engine.recommend({ ...asker, k: 10, phases: { rank: false } });
  expect(noRank.items.map(({ item, phase }) => [item, phase])).toEqual(
    whole.explain![1]!.items.slice(0, 10).map((item) => [item, 'prerank']),
  );
  const short = await made.engine.recommend({ ...asker, phases: { retrieve: { keep: 4 }, rank: false } });
  expect(short.items.map(({ phase }) => phase)).toEqual([...Array(4).fill('prerank'), ...Array(6).fill('retrieve')]);
  await expect(made.engine.recommend({ ...asker, phases: { retrieve: false } })).rejects.toMatchObject({
    code: 'USAGE',
  });
});

test('no time left: phases are skipped, and the answer says so', async () => {
  const asker = { user: 7, time: 2e9 };
  const whole = await made.engine.recommend({ ...asker, explain: true });
  const hurried = await made.engine.recommend({ ...asker, budgetMs: 0 });
  expect(hurried.degraded.map(({ phase, reason }) => [phase, reason])).toEqual([
    ['prerank', 'budget'],
    ['rank', 'budget'],
  ]);
  expect(hurried.items.map(({ item }) => item)).toEqual(whole.explain![0]!.items.slice(0, 5));
  const ranked = await made.engine.rank({ ...asker, candidates: [3, 1, 2], budgetMs: 0 });
  expect(ranked).toMatchObject({ phase: undefined, order: Uint32Array.of(0, 1, 2), degraded: [{ phase: 'rank' }] });
  expect([...ranked.scores]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(made.engine.stats().degraded).toEqual({ retrieve: 0, prerank: 1, rank: 2 });
});

describe('whatever is asked', () => {
  test('unknown users and items are scored as unknown, duplicates alike', async () => {
    const candidates = [1, 'nothing', '__proto__', 2, 1, '\0', 'x'.repeat(10_000)];
    for (const user of ['nobody', '__proto__', '', Number.NaN, {} as never]) {
      const answer = await made.engine.rank({ user, candidates });
      const [one, nothing, proto, , again, zero, long] = byPosition(answer);
      expect([again, proto, zero, long]).toEqual([one, nothing, nothing, nothing]);
      expect(answer).toMatchObject({ unknown: 4, userKnown: false });
    }
    expect((await made.engine.rank({ candidates: [] })).order.length).toBe(0);
    expect((await made.engine.recommend({ user: 'nobody' })).items.length).toBe(5);
  });

  test('typed arrays and text name the same items', async () => {
    const asker = { user: 3, time: 2e9 };
    const { order, scores } = await made.engine.rank({ ...asker, candidates: EVERY_ITEM });
    for (const candidates of [
      Int32Array.from(EVERY_ITEM),
      Float64Array.from(EVERY_ITEM),
      BigInt64Array.from(EVERY_ITEM, BigInt),
      EVERY_ITEM.map(String),
    ]) {
      expect(await made.engine.rank({ ...asker, candidates })).toMatchObject({ order, scores });
    }
  });

  test('limits are told with their key', async () => {
    const many = Array.from({ length: 10_001 }, () => 1);
    await expect(made.engine.rank({ candidates: many })).rejects.toThrow('candidates: 10001 keys, at most 10000');
    expect((await made.engine.rank({ candidates: many.slice(1) })).order.length).toBe(10_000);
    await expect(made.engine.recommend({ k: 1001 })).rejects.toThrow('k: 1001');
    await expect(made.engine.recommend({ k: 0 })).rejects.toThrow('k: 0');
    await expect(made.engine.recommend({ filter: { exclude: many } })).rejects.toThrow('include and exclude');
    await expect(made.engine.recommend({ filter: { where: [{ field: 'nope' }] } })).rejects.toThrow('no column "nope"');
    await expect(made.engine.rank({ candidates: [1], phase: 'nope' as never })).rejects.toThrow(
      'It has: retrieve, prerank, rank',
    );
  });
});

test('filters', async () => {
  const ask = async (filter: object, k = 40) =>
    (await made.engine.recommend({ user: 7, includeSeen: true, k, filter })).items.map(({ item }) => Number(item));
  const ascending = (keys: number[]) => keys.sort((a, b) => a - b);
  const column = made.engine.info.itemColumns.find((name) => name !== 'item_id')!;
  const value = made.engine.item(3)!.values[column] as string;
  const same = EVERY_ITEM.filter((key) => made.engine.item(key)?.values[column] === value);
  expect(ascending(await ask({ include: [5, 6, 7, 'nothing', 5] }))).toEqual([5, 6, 7]);
  expect(ascending(await ask({ exclude: EVERY_ITEM.slice(4) }))).toEqual([0, 1, 2, 3]);
  expect(ascending(await ask({ where: [{ field: column, equals: value }] }))).toEqual(same);
  expect(ascending(await ask({ include: [3, 4], exclude: [4], where: [{ field: column, equals: value }] }))).toEqual([
    3,
  ]);
  expect(await ask({ where: [{ field: column, equals: 'nothing' }] })).toEqual([]);
});

test('what is in the histories is left out unless it is asked for', async () => {
  const seen = new Set(made.engine.user(7)!.histories.clicks!.map(({ item }) => item));
  expect(seen.size).toBeGreaterThan(0);
  const left = await made.engine.recommend({ user: 7, k: 40 });
  expect(left.items.filter(({ item }) => seen.has(item))).toEqual([]);
  expect((await made.engine.recommend({ user: 7, k: 40, includeSeen: true })).items.length).toBe(40);
  const told = await made.engine.recommend({ k: 40, histories: { clicks: [{ item: 3, time: 1 }, { item: '4' }] } });
  expect(told.items.length).toBe(38);
});

test(
  'workers answer what the calling thread does, changes included',
  async () => {
    const entry = {
      file: new URL('../../testing/run.mjs', import.meta.url),
      argv: [new URL('./worker.ts', import.meta.url).pathname],
    };
    const threaded = await openEngine(made.folder, { workers: 2, entry });
    try {
      const asks = Array.from({ length: 12 }, (_, i) => ({ user: i * 5, time: 2e9, explain: true }));
      const compare = async () => {
        const found = await Promise.all(asks.map((ask) => threaded.recommend(ask)));
        for (const [i, ask] of asks.entries()) {
          const { items, explain } = await made.engine.recommend(ask);
          expect(found[i]).toMatchObject({ items, explain });
        }
        for (const user of [3, 4]) {
          const ask = { user, candidates: [0, 39, 'nothing', ...EVERY_ITEM, 4500], phase: 'retrieve' as const };
          const { order, scores } = await made.engine.rank(ask);
          // First in a worker, then the short way: the state is kept.
          for (let time = 0; time < 2; time++) expect(await threaded.rank(ask)).toMatchObject({ order, scores });
        }
      };
      await compare();
      for (const one of [made.engine, threaded]) {
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
