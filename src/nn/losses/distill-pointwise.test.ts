import { expect, test } from 'vitest';
import { expectClose } from '../testing/expect-close.js';
import { checkGradients } from '../testing/gradient-check.js';
import { listFeeds, listLoss, listLossTensor } from '../testing/list-loss.js';
import distill from './distill-pointwise.js';

const { log } = Math;

test('cross-entropy against the probability of the teacher, where there is one', async () => {
  const batch = { scores: [[0, 9]], teacher: [[log(3), null]] };
  const found = await listLoss(distill, {}, batch);
  expect(found.loss).toBeCloseTo(log(2), 5);
  expectClose(found.gradient, [1 / 2 - 3 / 4, 0]);
  // At T = 2 the odds are √3 and the loss counts fourfold: the gradient is T·(σ(s/T) − σ(t/T)).
  const soft = await listLoss(distill, { temperature: 2 }, batch);
  const odds = Math.sqrt(3);
  expect(soft.loss).toBeCloseTo(4 * log(2), 5);
  expectClose(soft.gradient, [2 * (1 / 2 - odds / (1 + odds)), 0]);
});

test('no teacher anywhere is no loss', async () => {
  expect(await listLoss(distill, {}, { scores: [[1, 2]] })).toEqual({ loss: 0, gradient: [0, 0] });
});

test('gradients', async () => {
  const feeds = listFeeds({ scores: [[0.3, -1.1, 0.9]], teacher: [[0.5, null, -1.5]] });
  await checkGradients(() => listLossTensor(distill, { temperature: 1.5 }), feeds, { wrt: ['logits'] });
});
