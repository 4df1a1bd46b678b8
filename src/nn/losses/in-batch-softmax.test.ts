import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectClose } from '../testing/expect-close.js';
import { checkGradients } from '../testing/gradient-check.js';
import { matrixFeeds, matrixLoss, matrixLossTensor } from '../testing/loss.js';
import inBatch from './in-batch-softmax.js';

const ln = Math.log;
const similarity = [
  [ln(1), ln(2), ln(5)],
  [ln(4), ln(1), ln(1)],
];
const probability = [1 / 2, 1 / 4, 1 / 8];
const one = [{ request: 0, item: 2, label: 1 }];

test('every score is divided by how often the item is there, the positive too', async () => {
  // Odds 1, 2 and 5 become 2, 8 and 40.
  const loss = await matrixLoss(inBatch, {});
  expect((await loss.of({ similarity, pairs: one, probability })).loss).toBeCloseTo(ln(50 / 40), 5);
  const plain = await matrixLoss(inBatch, { correction: false });
  expect((await plain.of({ similarity, pairs: one, probability })).loss).toBeCloseTo(ln(8 / 5), 5);
  const sharp = await matrixLoss(inBatch, { temperature: 0.5 });
  // The temperature squares the odds before they are corrected: 2, 16, 200.
  expect((await sharp.of({ similarity, pairs: one, probability })).loss).toBeCloseTo(ln(218 / 200), 5);
});

test('other positives of a request are no negatives of it, unless wanted', async () => {
  const pairs = [...one, { request: 0, item: 1, label: 1 }, { request: 1, item: 0, label: 0 }];
  const masked = await matrixLoss(inBatch, { correction: false });
  expect((await masked.of({ similarity, pairs })).loss).toBeCloseTo((ln(6 / 5) + ln(3 / 2)) / 2, 5);
  const open = await matrixLoss(inBatch, { correction: false, maskPositives: false });
  expect((await open.of({ similarity, pairs })).loss).toBeCloseTo((ln(8 / 5) + ln(8 / 2)) / 2, 5);
});

test('a constant in logq changes nothing; the ratio of two pushes is that of their corrected odds', async () => {
  const loss = await matrixLoss(inBatch, {});
  const share = fc.double({ min: 0.01, max: 1, noNaN: true });
  const score = fc.double({ min: -3, max: 3, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(score, score, score),
      fc.tuple(share, share, share),
      share,
      async (scores, shares, factor) => {
        const batch = { similarity: [[...scores]], pairs: one };
        const found = await loss.of({ ...batch, probability: [...shares] });
        const shifted = await loss.of({ ...batch, probability: shares.map((value) => value * factor) });
        expect(shifted.loss).toBeCloseTo(found.loss, 4);
        expectClose(shifted.gradient, found.gradient, 4);
        const ratio = found.gradient[0]! / found.gradient[1]!;
        const wanted = (Math.exp(scores[0] - scores[1]) * shares[1]) / shares[0];
        expect(ratio / wanted).toBeCloseTo(1, 3);
      },
    ),
    { seed: 1, numRuns: 40 },
  );
});

test('batches without positives, and without negatives, have no loss', async () => {
  const loss = await matrixLoss(inBatch, {});
  const none = await loss.of({ similarity, probability, pairs: [{ request: 0, item: 1, label: 0 }] });
  expect(none).toEqual({ loss: 0, gradient: [0, 0, 0, 0, 0, 0] });
  const all = await loss.of({
    similarity: [[1, 2]],
    probability: [1, 1],
    pairs: [0, 1].map((item) => ({ request: 0, item, label: 1 })),
  });
  expect(all).toEqual({ loss: 0, gradient: [0, 0] });
});

test.each([true, false])('gradients, other positives masked: %s', async (maskPositives) => {
  const pairs = [...one, { request: 0, item: 1, label: 0.5, weight: 2 }, { request: 1, item: 0, label: 1 }];
  const feeds = matrixFeeds({ similarity, pairs, probability });
  const make = () => matrixLossTensor(inBatch, { maskPositives, temperature: 0.8 }, true);
  await checkGradients(make, feeds, { wrt: ['similarity', 'logq'] });
});
