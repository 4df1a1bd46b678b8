import { expect, test } from 'vitest';
import { generateDataset } from '../data/generate.js';
import { divide, multiply, random, reduceMean, reduceSum, scalar, square } from '../graph/index.js';
import { gatherState, type ModelParts } from '../models/contract.js';
import { binaryCrossEntropy } from '../nn/losses/bce.js';
import { trainingOptions } from './config.js';
import { linearModel } from './testing/linear-model.js';
import { Trainer } from './trainer.js';

/** Serves like `linearModel`, but trains logits twice as large, with a loss of its own, and tells what it was given. */
const model: ModelParts = {
  ...linearModel,
  train({ userState, itemState, request, itemRow, label, step, stepsPerEpoch }) {
    const served = linearModel.score(gatherState(userState, request), gatherState(itemState, itemRow));
    const logits = multiply(served, 2);
    return {
      logits,
      losses: { size: multiply(reduceMean(square(itemState.vector!)), 0.25) },
      metrics: {
        progress: divide(step, stepsPerEpoch),
        draw: reduceSum(random({ kind: 'normal' }, [3])),
        recomputed: reduceMean(binaryCrossEntropy(logits, label)),
        two: scalar(2),
      },
    };
  },
};
const dataset = generateDataset({ users: 7, items: 9, events: 60 });
const options = trainingOptions.parse({
  batchSize: 12,
  epochs: 2,
  idDropout: 0,
  objectives: [{ loss: 'bce', weight: 3 }],
});

async function reports(seed = 1): Promise<Record<string, number>[]> {
  const trainer = await Trainer.create(model, dataset, { ...options, seed }, { threads: 1 });
  const result = [];
  while (trainer.step < trainer.totalSteps) result.push(await trainer.next());
  await trainer.release();
  return result;
}

test('the objectives see the logits of the training path, and losses of its own come on top', async () => {
  for (const report of await reports()) {
    expect(report['loss.bce']).toBeCloseTo(report['metric.recomputed']!, 6);
    expect(report['loss.size']).toBeGreaterThan(0);
    expect(report.loss).toBeCloseTo(3 * report['loss.bce']! + report['loss.size']!, 5);
    expect(report['metric.two']).toBe(2);
  }
});

test('it knows how far training is, across epochs', async () => {
  const found = await reports();
  const stepsPerEpoch = found.length / 2;
  found.forEach((report, step) => {
    expect(report['metric.progress']).toBeCloseTo(step / stepsPerEpoch, 6);
  });
});

test('random numbers are drawn anew at every step, from the seed', async () => {
  const draws = async (seed: number) => (await reports(seed)).map((report) => report['metric.draw']);
  const first = await draws(1);
  expect(new Set(first).size).toBe(first.length);
  expect(await draws(1)).toEqual(first);
  expect((await draws(2)).filter((draw) => first.includes(draw))).toEqual([]);
});
