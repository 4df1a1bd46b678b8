import { expect, test } from 'vitest';
import { assembleBatch, requestFeeds } from '../data/batches.js';
import { epochBatches } from '../data/epochs.js';
import { generateDataset } from '../data/generate.js';
import type { ModelParts } from '../models/contract.js';
import { dense } from '../nn/dense.js';
import { numberFields } from '../nn/fields.js';
import { batchNorm } from '../nn/normalization.js';
import { innerProduct } from '../nn/similarity.js';
import { trainingOptions } from './config.js';
import { Inference } from './inference.js';
import { Trainer } from './trainer.js';

/** What is normalised is an input, so that its statistics follow from the batches alone. */
const model: ModelParts = {
  user: ({ fields }) => ({ normal: batchNorm('norm', numberFields(fields)[0]!, { affine: false }) }),
  item: ({ fields }) => ({ weight: dense('weight', numberFields(fields)[0]!, 1) }),
  score: (user, item) => innerProduct(user.normal!, item.weight!),
};

const base = generateDataset({ users: 12, items: 8, events: 80, eventsPerRequest: 2, history: false });
const dataset = {
  ...base,
  schema: { ...base.schema, item: [{ name: 'price', owner: 'item', encoding: 'numbers', width: 1 } as const] },
  items: {
    ...base.items,
    columns: new Map([
      [
        'price',
        { encoding: 'numbers', width: 1, values: Float32Array.from(base.items.keys, (_, i) => Math.sin(i)) } as const,
      ],
    ]),
  },
};
// The last batch holds one pair: one request, without any variance.
const BATCH = 23;
const train = base.splits.train.subarray(0, 2 * BATCH + 1);
const data = { ...dataset, splits: { ...base.splits, train } };
const options = trainingOptions.parse({ batchSize: BATCH, epochs: 2, idDropout: 0 });

/** Mean and unbiased variance, as running statistics take them. */
function statistics(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / Math.max(1, values.length - 1) };
}

test('running statistics follow the batches of distinct requests step by step, and serving uses them', async () => {
  const trainer = await Trainer.create(model, data, options, { threads: 1 });
  const inference = new Inference(model, data.schema, (name) => trainer.store.values(name), { threads: 1 });
  expect(trainer.stepsPerEpoch).toBe(3);
  let mean = 0;
  let variance = 1;
  for (let step = 0; step < trainer.totalSteps; step++) {
    const rows = epochBatches(train, BATCH, options.seed, Math.floor(step / 3)).rows(step % 3);
    const ages = Array.from(assembleBatch(data, rows).feeds['user.age']!.data);
    await trainer.next();
    const batch = statistics(ages);
    mean = 0.9 * mean + 0.1 * batch.mean;
    variance = 0.9 * variance + 0.1 * batch.variance;
    expect(trainer.store.values('user/norm/mean')[0]).toBeCloseTo(mean, 6);
    expect(trainer.store.values('user/norm/variance')[0]).toBeCloseTo(variance, 6);
  }
  const users = [0, 3, 5, 11];
  const feeds = requestFeeds(data, { users, times: users.map(() => 0) });
  const served = (await inference.users(feeds))['user.normal']!.data;
  Array.from(feeds['user.age']!.data).forEach((age, i) => {
    expect(served[i]).toBeCloseTo((age - mean) / Math.sqrt(variance + 1e-5), 5);
  });
  await inference.release();
  await trainer.release();
});

test('with one row per pair, the statistics are those of the samples', async () => {
  const trainer = await Trainer.create(model, data, { ...options, itemPerPair: true }, { threads: 1 });
  const rows = epochBatches(train, BATCH, options.seed, 0).rows(0);
  const perPair = statistics(Array.from(assembleBatch(data, rows, { itemPerPair: true }).feeds['user.age']!.data));
  const distinct = statistics(Array.from(assembleBatch(data, rows).feeds['user.age']!.data));
  await trainer.next();
  expect(trainer.store.values('user/norm/mean')[0]).toBeCloseTo(0.1 * perPair.mean, 6);
  expect(Math.abs(perPair.mean - distinct.mean)).toBeGreaterThan(0.001);
  await trainer.release();
});
