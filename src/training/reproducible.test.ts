import { expect, test } from 'vitest';
import { generateDataset } from '../data/generate.js';
import { MODELS } from '../models/index.js';
import { trainingOptions } from './config.js';
import { bytesOf, reportsOf } from './testing/replay.js';
import { Trainer } from './trainer.js';

/** Everything random takes part: shuffling, dropout, id dropout, sampled negatives; and running statistics, which are state. */
const dataset = generateDataset({ users: 20, items: 15, events: 150, historyLength: 5 });
const dssm = MODELS.find(({ name }) => name === 'dssm')!;
const model = dssm.create(
  dataset.schema,
  dssm.options.parse({ embedding: 4, towers: [8], width: 4, normalization: 'batch', dropout: 0.3 }),
);
const options = (seed = 7) =>
  trainingOptions.parse({
    batchSize: 32,
    epochs: 3,
    seed,
    idDropout: 0.1,
    schedule: { warmup: 3, decay: 'cosine' },
    negatives: { perBatch: 5, sampler: 'popularity' },
    objectives: [{ loss: 'bce' }, { loss: 'in-batch-softmax', weight: 0.5 }],
  });
const create = (seed?: number) => Trainer.create(model, dataset, options(seed), { threads: 1 });

test('one seed gives the same reports and the same bytes, another seed others', async () => {
  const runs = [await create(), await create(), await create(8)];
  const [a, b, c] = [await reportsOf(runs[0]!, 6), await reportsOf(runs[1]!, 6), await reportsOf(runs[2]!, 6)];
  expect(b).toBe(a);
  expect(bytesOf(runs[1]!.store)).toEqual(bytesOf(runs[0]!.store));
  expect(c).not.toBe(a);
  for (const trainer of runs) await trainer.release();
});

/** After an odd and an even number of steps (the double buffers stand one way or the other), within an epoch and at its end. */
test.each([1, 4])('a trainer restored to step %i goes on as if it had never stopped', async (at) => {
  const whole = await create();
  await reportsOf(whole, at);
  // Batches ahead are prepared already; what is saved must not depend on them.
  const saved = new Map([...whole.store.arrays()].map(([name, { data }]) => [name, data.slice()]));
  const rest = whole.totalSteps - at;
  const expected = await reportsOf(whole, rest);

  const other = await create();
  // Steps of its own, to be given up: nothing of them may stay.
  await reportsOf(other, 3);
  for (const [name, { data }] of other.store.arrays()) data.set(saved.get(name)!);
  other.restore(at);
  expect(await reportsOf(other, rest)).toBe(expected);
  expect(bytesOf(other.store)).toEqual(bytesOf(whole.store));
  await whole.release();
  await other.release();
});

test('every random part changes the run: without it the bytes are others', async () => {
  const full = await create();
  await reportsOf(full, 2);
  const plain = dssm.create(
    dataset.schema,
    dssm.options.parse({ embedding: 4, towers: [8], width: 4, normalization: 'batch' }),
  );
  const variants = [
    await Trainer.create(plain, dataset, options(), { threads: 1 }),
    await Trainer.create(model, dataset, { ...options(), idDropout: 0 }, { threads: 1 }),
    await Trainer.create(model, dataset, { ...options(), negatives: undefined }, { threads: 1 }),
  ];
  for (const variant of variants) {
    await reportsOf(variant, 2);
    expect(bytesOf(variant.store)).not.toEqual(bytesOf(full.store));
    await variant.release();
  }
  await full.release();
});
