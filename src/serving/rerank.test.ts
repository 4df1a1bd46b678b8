import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Engine } from './contract.js';
import { openEngine } from './engine/engine.js';
import { type Published, publish } from './publish.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from './testing/toy-store.js';

let toy: ToyRuns;
let published: Published;
let engine: Engine;

beforeAll(async () => {
  toy = await toyRuns('retrieve', 'rerank');
  published = await publish({ store: join(toy.folder, 'store'), phases: toy.plans });
  engine = await openEngine(published.folder, { workers: 0 });
}, TOY_TIMEOUT);
afterAll(async () => {
  await engine.close();
  await toy.remove();
});

test('lists are ordered as a whole, as the run does', async () => {
  expect(published.verified.pairs).toBe(2 * 8 * 41);
  expect(engine.info.phases.map(({ rerank }) => rerank)).toEqual([false, true]);
  const ask = { user: 7, time: 2e9, explain: true };
  const { items, explain } = await engine.recommend(ask);
  const list = explain![0]!.items.slice(0, 20);
  const ranked = await engine.rank({ ...ask, candidates: list });
  expect(items.map(({ item }) => item)).toEqual([...ranked.order].slice(0, 5).map((at) => list[at]));
  // What else is in the list matters: that is what the model is for.
  const alone = await engine.rank({ ...ask, candidates: list.slice(0, 1) });
  expect(alone.scores[0]).not.toBe(ranked.scores[ranked.order.indexOf(0)]);
});

test('lists that are too long to be compared as a whole are refused', async () => {
  const candidates = Array.from({ length: 1025 }, (_, i) => i);
  await expect(engine.rank({ candidates })).rejects.toThrow('of at most 1024');
  expect((await engine.rank({ candidates, phase: 'retrieve' })).order.length).toBe(1025);
});
