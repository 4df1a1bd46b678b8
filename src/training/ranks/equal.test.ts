import { expect, test } from 'vitest';
import dssm from '../../models/dssm/model.js';
import { toyDataset } from '../../testing/toy-dataset.js';
import { trainingOptions } from '../config.js';
import { apart, type Course, trainAlone, trainOnRanks } from './testing/against-one.js';

const dataset = toyDataset();

function course(model: object, training: object): Course {
  const options = dssm.options.parse({ embedding: 4, towers: [6], width: 4, ...model });
  return {
    parts: dssm.create(dataset.schema, options),
    dataset,
    options: trainingOptions.parse({ batchSize: 48, epochs: 40, learningRate: 0.01, seed: 5, ...training }),
    steps: 100,
  };
}

const sgd = { optimizer: { name: 'sgd', momentum: 0.9 } };
const ROUNDING = 1e-5;

// Batches of 48 from the toy log leave smaller ones at the end of every epoch.
test.each<[string, object, object]>([
  ['clipping, weight decay and dropout of ids', {}, { clip: 0.3, weightDecay: 0.01, idDropout: 0.2 }],
  ['batch normalisation over distinct items, and dropout', { normalization: 'batch', dropout: 0.2 }, sgd],
  ['batch normalisation over pairs', { normalization: 'batch' }, { itemPerPair: true, ...sgd }],
  [
    'negatives in the batch, drawn ones too',
    {},
    { objectives: [{ loss: 'sampled-softmax' }], negatives: { perBatch: 5, sampler: 'popularity' }, ...sgd },
  ],
  [
    'lists, and losses that weigh themselves',
    {},
    {
      batchSize: 20,
      lists: { impressions: 4, randoms: 3 },
      objectives: [{ loss: 'bce' }, { loss: 'pairwise-logistic' }],
      uncertainty: true,
    },
  ],
])('100 steps of two and of three ranks are those of one process: %s', async (_, model, training) => {
  const said = course(model, training);
  const alone = await trainAlone(said);
  for (const size of [2, 3]) {
    const together = await trainOnRanks(said, size);
    const { reports, arrays } = apart(alone, together);
    expect(reports).toBeLessThan(ROUNDING);
    expect(arrays).toBeLessThan(ROUNDING);
  }
});

test('the same number of ranks gives the same bits', async () => {
  const said = { ...course({ normalization: 'batch', dropout: 0.2 }, { idDropout: 0.1 }), steps: 10 };
  expect(apart(await trainOnRanks(said, 3), await trainOnRanks(said, 3))).toEqual({ reports: 0, arrays: 0 });
});

test('the comparison sees a small difference', async () => {
  const said = { ...course({}, {}), steps: 10 };
  const other = { ...said, options: { ...said.options, learningRate: 0.0101 } };
  expect(apart(await trainAlone(said), await trainAlone(other)).arrays).toBeGreaterThan(10 * ROUNDING);
});

test('batches of fewer pairs than ranks leave some with nothing to do', async () => {
  const said = { ...course({}, { batchSize: 2, ...sgd }), steps: 12 };
  const { reports, arrays } = apart(await trainAlone(said), await trainOnRanks(said, 3));
  expect(Math.max(reports, arrays)).toBeLessThan(ROUNDING);
});
