import { describe, expect, test } from 'vitest';
import { generateDataset } from '../data/generate.js';
import { listCount } from '../data/samples.js';
import { MODELS } from '../models/index.js';
import { trainingOptions } from './config.js';
import { drawLists } from './lists.js';
import { bytesOf, reportsOf } from './testing/replay.js';
import { Trainer } from './trainer.js';

const dataset = generateDataset({ users: 20, items: 30, events: 150, historyLength: 5 });
const dssm = MODELS.find(({ name }) => name === 'dssm')!;
const model = dssm.create(
  dataset.schema,
  dssm.options.parse({ embedding: 4, towers: [8], width: 4, normalization: 'batch', dropout: 0.3 }),
);
const options = trainingOptions.parse({
  batchSize: 8,
  epochs: 3,
  seed: 7,
  idDropout: 0.1,
  lists: { impressions: 2, randoms: 6, sampler: 'popularity' },
  objectives: [{ loss: 'bce' }, { loss: 'in-batch-softmax', weight: 0.5 }],
});
const create = () => Trainer.create(model, dataset, options, { threads: 1 });

describe('training on lists', () => {
  test('a step is a batch of lists, and an epoch goes over every list', async () => {
    const trainer = await create();
    const samples = trainer.data.samples!;
    expect(samples).toEqual(await drawLists(dataset, options.lists!, 7));
    expect(trainer.stepsPerEpoch).toBe(Math.ceil(listCount(samples) / 8));
    let pairs = 0;
    for (let step = 0; step < trainer.stepsPerEpoch; step++) {
      await trainer.next();
      pairs += trainer.pairs;
    }
    expect(pairs).toBe(samples.item.length);
    await trainer.release();
  });

  test('a trainer restored to a step goes on as if it had never stopped', async () => {
    const whole = await create();
    await reportsOf(whole, 3);
    const saved = new Map([...whole.store.arrays()].map(([name, { data }]) => [name, data.slice()]));
    const rest = whole.totalSteps - 3;
    const expected = await reportsOf(whole, rest);
    const other = await create();
    for (const [name, { data }] of other.store.arrays()) data.set(saved.get(name)!);
    other.restore(3);
    expect(await reportsOf(other, rest)).toBe(expected);
    expect(bytesOf(other.store)).toEqual(bytesOf(whole.store));
    await whole.release();
    await other.release();
  });

  test('lists of what was shown alone need no candidates', async () => {
    const trainer = await Trainer.create(model, dataset, {
      ...options,
      lists: trainingOptions.parse({ lists: {} }).lists,
    });
    const samples = trainer.data.samples!;
    expect(samples.stage.every((stage) => stage >= dataset.shown)).toBe(true);
    const training = new Set(dataset.splits.train);
    expect(samples.logged.every((row) => training.has(row))).toBe(true);
    await trainer.next();
    await trainer.release();
  });
});

test('a file of candidates needs a number of them', () => {
  const refused = trainingOptions.safeParse({ lists: { candidateFile: 'mined.parquet' } });
  expect(refused.error?.issues[0]).toMatchObject({ path: ['lists', 'candidates'] });
  expect(trainingOptions.parse({ lists: { candidateFile: 'mined.parquet', candidates: 4 } }).lists).toMatchObject({
    impressions: 16,
    randoms: 0,
    window: 600,
  });
});
