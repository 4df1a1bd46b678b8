import { expect, test } from 'vitest';
import { expectClose } from '../testing/expect-close.js';
import { checkGradients } from '../testing/gradient-check.js';
import { matrixFeeds, matrixLoss, matrixLossTensor } from '../testing/loss.js';
import softmax from './softmax.js';

const ln = Math.log;
const similarity = [
  [ln(1), ln(2), ln(5)],
  [ln(4), ln(1), ln(1)],
];

test('the weighted mean over positive pairs by hand', async () => {
  const pairs = [
    { request: 0, item: 2, label: 1, weight: 3 },
    { request: 0, item: 0, label: 0, weight: 9 },
    { request: 1, item: 1, label: 1 },
  ];
  const plain = await matrixLoss(softmax, {}, false);
  expect((await plain.of({ similarity, pairs })).loss).toBeCloseTo((3 * ln(8 / 5) + ln(6)) / 4, 6);
  const sharp = await matrixLoss(softmax, { temperature: 0.5 }, false);
  expect((await sharp.of({ similarity, pairs })).loss).toBeCloseTo((3 * ln(30 / 25) + ln(18)) / 4, 6);
});

test('the gradient is the softmax less the target', async () => {
  const { gradient } = await (await matrixLoss(softmax, {}, false)).of({
    similarity,
    pairs: [{ request: 0, item: 2, label: 1 }],
  });
  expectClose(gradient, [1 / 8, 2 / 8, 5 / 8 - 1, 0, 0, 0]);
});

test('large scores do not overflow, a batch without positives has no loss', async () => {
  const loss = await matrixLoss(softmax, {}, false);
  const far = { similarity: [[1000, 0]], pairs: [{ request: 0, item: 1, label: 1 }] };
  expect(await loss.of(far)).toEqual({ loss: 1000, gradient: [1, -1] });
  expect(await loss.of({ similarity, pairs: [{ request: 0, item: 1, label: 0 }] })).toEqual({
    loss: 0,
    gradient: [0, 0, 0, 0, 0, 0],
  });
});

test('gradients', async () => {
  const pairs = [0, 1, 2].map((item) => ({ request: item % 2, item, label: item === 1 ? 0 : 1 }));
  const feeds = matrixFeeds({ similarity, pairs: [...pairs, { request: 1, item: 0, label: 1, weight: 2 }] });
  await checkGradients(() => matrixLossTensor(softmax, { temperature: 0.5 }, false), feeds, { wrt: ['similarity'] });
});
