import { expect, test } from 'vitest';
import { generateDataset } from '../data/generate.js';
import { MODELS } from '../models/index.js';
import { trainingOptions } from './config.js';
import type { ParameterStore } from './parameter-store.js';
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

const bytes = (store: ParameterStore) =>
  new Map([...store.arrays()].map(([name, { data }]) => [name, Buffer.from(data.slice().buffer).toString('base64')]));

async function steps(trainer: Trainer, count: number): Promise<string> {
  const reports = [];
  for (let i = 0; i < count; i++) reports.push(await trainer.next());
  return JSON.stringify(reports);
}

test('one seed gives the same reports and the same bytes, another seed others', async () => {
  const runs = [await create(), await create(), await create(8)];
  const [a, b, c] = [await steps(runs[0]!, 6), await steps(runs[1]!, 6), await steps(runs[2]!, 6)];
  expect(b).toBe(a);
  expect(bytes(runs[1]!.store)).toEqual(bytes(runs[0]!.store));
  expect(c).not.toBe(a);
  for (const trainer of runs) await trainer.release();
});

/** After an odd and an even number of steps (the double buffers stand one way or the other), within an epoch and at its end. */
test.each([1, 4])('a trainer restored to step %i goes on as if it had never stopped', async (at) => {
  const whole = await create();
  await steps(whole, at);
  // Batches ahead are prepared already; what is saved must not depend on them.
  const saved = new Map([...whole.store.arrays()].map(([name, { data }]) => [name, data.slice()]));
  const rest = whole.totalSteps - at;
  const expected = await steps(whole, rest);

  const other = await create();
  // Steps of its own, to be given up: nothing of them may stay.
  await steps(other, 3);
  for (const [name, { data }] of other.store.arrays()) data.set(saved.get(name)!);
  other.restore(at);
  expect(await steps(other, rest)).toBe(expected);
  expect(bytes(other.store)).toEqual(bytes(whole.store));
  await whole.release();
  await other.release();
});

test('every random part changes the run: without it the bytes are others', async () => {
  const full = await create();
  await steps(full, 2);
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
    await steps(variant, 2);
    expect(bytes(variant.store)).not.toEqual(bytes(full.store));
    await variant.release();
  }
  await full.release();
});
