import { expect, test } from 'vitest';
import { generateDataset } from '../data/generate.js';
import { gather, matMul, multiply } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import { innerProduct } from '../nn/similarity.js';
import { trainingOptions } from './config.js';
import { linearModel } from './testing/linear-model.js';
import { Trainer } from './trainer.js';

/** Serves like `linearModel`, but compares each pair with the items of the batch by itself, `factor` times as strongly. */
const byPair = (factor: number): ModelParts => ({
  ...linearModel,
  train({ userState, itemState, request, itemRow }) {
    const own = multiply(gather(userState.vector!, request), factor);
    return {
      logits: innerProduct(own, gather(itemState.vector!, itemRow)),
      similarity: matMul(own, itemState.vector!, { transposeB: true }),
    };
  },
});
const dataset = generateDataset({ users: 7, items: 9, events: 60, eventsPerRequest: 3 });

async function reports(model: ModelParts, temperature = 1) {
  const objectives = [{ loss: 'softmax', temperature }];
  const options = trainingOptions.parse({ batchSize: 12, epochs: 2, idDropout: 0, objectives });
  const trainer = await Trainer.create(model, dataset, options, { threads: 1 });
  const result: number[] = [];
  while (trainer.step < trainer.totalSteps) result.push((await trainer.next()).loss!);
  await trainer.release();
  return result;
}

test('views that equal the row of the request train the same', async () => {
  const [own, shared] = [await reports(byPair(1)), await reports(linearModel)];
  expect(own.length).toBeGreaterThan(4);
  own.forEach((loss, step) => {
    expect(loss).toBeCloseTo(shared[step]!, 5);
  });
});

test('the loss sees the view and not the row of the request', async () => {
  const [doubled, halved] = [(await reports(byPair(2), 2))[0]!, (await reports(byPair(1), 1))[0]!];
  expect(doubled).toBeCloseTo(halved, 5);
  expect(Math.abs((await reports(byPair(50)))[0]! - halved)).toBeGreaterThan(1e-3);
});
