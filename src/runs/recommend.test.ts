import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dataset } from '../data/dataset.js';
import { generateWithRecords } from '../data/generate.js';
import { openRun, type Run } from './open.js';
import { predict } from './predict.js';
import { recommend } from './recommend.js';
import { toyFolder } from './testing/toy.js';
import { trainRun } from './train.js';

const { dataset, records } = generateWithRecords({ events: 1200, users: 40, items: 30, historyLength: 4 });
const USER = 5;
const shown = new Set(Array.from(dataset.events.item).filter((_, row) => dataset.events.user[row] === USER));
let toy: Awaited<ReturnType<typeof toyFolder>>;
let run: Run;

beforeAll(async () => {
  toy = await toyFolder();
  const training = { epochs: 2, batchSize: 128, learningRate: 0.01 };
  const config = { data: 'generated', model: { name: 'dssm' }, training, evaluation: { ks: [5] } };
  run = await openRun((await trainRun(config, { out: join(toy.folder, 'generated'), dataset })).folder);
});
afterAll(async () => {
  await run.release();
  await toy.remove();
});

/** Every item's logit for the user at the end of the log, from raw values. */
async function logitsOf(data: Dataset, user: number): Promise<Float32Array> {
  const { events, histories } = data;
  const last = events.user.lastIndexOf(user);
  const { offsets, item, time } = histories[0]!;
  const clicks = [];
  for (let at = offsets[user]!; at < offsets[user + 1]!; at++)
    clicks.push({ item: records.items[item[at]!], time: time[at] });
  const users = [
    {
      ...records.users[user],
      ...records.contexts[last],
      time: events.time[events.count - 1]! + 1,
      histories: { clicks },
    },
  ];
  return (await predict(run, { users, items: records.items })).logits;
}

test('the best of all items the user has not seen, as brute force finds them', async () => {
  const logits = await logitsOf(dataset, USER);
  const expected = records.items
    .map((_, item) => item)
    .filter((item) => item !== 0 && !shown.has(item))
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, 4);
  const found = await recommend(run, { dataset, user: `u${USER}`, k: 4 });
  expect(found.items.map(({ key }) => key)).toEqual(expected.map((item) => `i${item}`));
  expect(found.items[0]).toMatchObject({ rank: 1, display: { title: `Item ${expected[0]}` } });
  expect(found.items[0]!.logit).toBeCloseTo(logits[expected[0]!]!, 5);
  expect(found).toMatchObject({ user: { key: `u${USER}`, known: true }, seen: shown.size, notes: [] });
});

test('what was seen is left out unless asked for; the list says when little is left', async () => {
  const all = await recommend(run, { dataset, user: `u${USER}`, k: 100, includeSeen: true });
  expect(all.items).toHaveLength(30);
  expect(new Set(all.items.map(({ key }) => key)).size).toBe(30);
  const unseen = await recommend(run, { dataset, user: `u${USER}`, k: 100 });
  expect(unseen.items).toHaveLength(30 - shown.size);
  expect(unseen.notes).toEqual([`the user has seen all but ${30 - shown.size} of the 30 items`]);
});

test('the latest choices come newest first', async () => {
  const { offsets, item } = dataset.histories[0]!;
  const newest = item[offsets[USER + 1]! - 1]!;
  const { recent } = await recommend(run, { dataset, user: `u${USER}` });
  expect(recent[0]!.key).toBe(`i${newest}`);
  expect(recent.length).toBeLessThanOrEqual(5);
});

test('an unknown user gets a list too, with a note', async () => {
  for (const user of ['nobody', '']) {
    const found = await recommend(run, { dataset, user, k: 3 });
    expect(found.items).toHaveLength(3);
    expect(found.user.known).toBe(false);
    expect(found.notes).toEqual([expect.stringContaining('is not in the data')]);
  }
});

test('k must be a whole number', async () => {
  await expect(recommend(run, { dataset, user: 'u1', k: 0 })).rejects.toMatchObject({ code: 'USAGE' });
});

test('what was considered and never shown has not been seen', async () => {
  const click = dataset.events.feedback.get('click')!;
  const stage = dataset.events.stage.map((level, row) => (click[row]! > 0 ? level : 1));
  const clicked = new Set([...dataset.events.item].filter((_, row) => dataset.events.user[row] === USER && click[row]));
  expect(clicked.size).toBeLessThan(shown.size);
  const hidden = { ...dataset, events: { ...dataset.events, stage } };
  expect((await recommend(run, { dataset: hidden, user: `u${USER}`, k: 4 })).seen).toBe(clicked.size);
});
