import { describe, expect, test } from 'vitest';
import { Random } from '../../random.js';
import { expectClose } from '../testing/expect-close.js';
import { checkGradients } from '../testing/gradient-check.js';
import { matrixFeeds, matrixLoss, matrixLossTensor } from '../testing/loss.js';
import sampled from './sampled-softmax.js';

const ln = Math.log;
const similarity = [
  [ln(1), ln(2), ln(5)],
  [ln(4), ln(1), ln(1)],
];
const probability = [1 / 2, 1 / 4, 1 / 8];
const one = [{ request: 0, item: 2, label: 1 }];

test('negatives stand for all the items like them, the positive for itself', async () => {
  const loss = await matrixLoss(sampled, {});
  // Negative odds 1·2 + 2·4 = 10 against 5.
  expect((await loss.of({ similarity, pairs: one, probability })).loss).toBeCloseTo(ln(15 / 5), 5);
  // The same pull on all q: twice as likely to be there means half the mass.
  expect((await loss.of({ similarity, pairs: one, probability: probability.map((q) => 2 * q) })).loss).toBeCloseTo(
    ln(10 / 5),
    5,
  );
  const plain = await matrixLoss(sampled, { correction: false });
  expect((await plain.of({ similarity, pairs: one, probability })).loss).toBeCloseTo(ln(8 / 5), 5);
});

test('with the positive corrected too, a constant in logq changes nothing', async () => {
  const loss = await matrixLoss(sampled, { correctPositive: true });
  expect((await loss.of({ similarity, pairs: one, probability })).loss).toBeCloseTo(ln(50 / 40), 5);
  expect((await loss.of({ similarity, pairs: one, probability: probability.map((q) => q / 7) })).loss).toBeCloseTo(
    ln(50 / 40),
    5,
  );
});

test('accidental hits are no negatives', async () => {
  const loss = await matrixLoss(sampled, {});
  const pairs = [...one, { request: 0, item: 1, label: 1 }, { request: 1, item: 0, label: 0 }];
  expect((await loss.of({ similarity, pairs, probability })).loss).toBeCloseTo((ln(7 / 5) + ln(4 / 2)) / 2, 5);
});

test('all items certain to be there is the full softmax', async () => {
  const { loss, gradient } = await (await matrixLoss(sampled, {})).of({
    similarity,
    pairs: one,
    probability: [1, 1, 1],
  });
  expect(loss).toBeCloseTo(ln(8 / 5), 5);
  expectClose(gradient, [1 / 8, 2 / 8, 5 / 8 - 1, 0, 0, 0]);
});

describe('against the full softmax, over 40 items drawn by popularity', () => {
  const ITEMS = 40;
  const DRAWS = 40;
  const TRIALS = 2000;
  const scores = Array.from({ length: ITEMS }, (_, i) => Math.sin(3 * i));
  const popularity = scores.map((_, i) => 1 / (i + 1));
  const total = popularity.reduce((a, b) => a + b);
  const probability = popularity.map((p) => 1 - (1 - p / total) ** DRAWS);

  /** Which items each trial draws. */
  function drawTrials(): Set<number>[] {
    const random = Random.of(1, 'draws');
    const draw = () => {
      let left = random.uniform() * total;
      let item = 0;
      while (item < ITEMS - 1 && left >= popularity[item]!) left -= popularity[item++]!;
      return item;
    };
    return Array.from({ length: TRIALS }, () => new Set(Array.from({ length: DRAWS }, draw)));
  }

  /**
   * Largest error of the mean gradient: one request per trial, in which items that were not drawn are infinitely
   * far away.
   */
  async function bias(options: object, target: number): Promise<number> {
    const similarity = drawTrials().map((drawn) => scores.map((s, i) => (drawn.has(i) || i === target ? s : -1e20)));
    const pairs = similarity.map((_, request) => ({ request, item: target, label: 1 }));
    const { gradient } = await (await matrixLoss(sampled, options)).of({ similarity, pairs, probability });
    const normalizer = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    const errors = scores.map((score, i) => {
      const mean = gradient.reduce((sum, value, at) => sum + (at % ITEMS === i ? value : 0), 0);
      return Math.abs(mean - (Math.exp(score) / normalizer - (i === target ? 1 : 0)));
    });
    return Math.max(...errors);
  }

  test.each([
    ['popular', 2],
    ['rare', 30],
  ])(
    'the corrected gradient is that of the full softmax on average, the plain one is not: a %s positive',
    async (_, target) => {
      expect(await bias({}, target)).toBeLessThan(0.01);
      expect(await bias({ correction: false }, target)).toBeGreaterThan(0.025);
    },
  );

  test('correcting the positive as well overrates a rare one', async () => {
    expect(await bias({ correctPositive: true }, 2)).toBeLessThan(0.01);
    expect(await bias({ correctPositive: true }, 30)).toBeGreaterThan(0.1);
  });
});

test('batches without positives, and without negatives, have no loss', async () => {
  const loss = await matrixLoss(sampled, {});
  const none = await loss.of({ similarity, probability, pairs: [{ request: 0, item: 1, label: 0 }] });
  expect(none).toEqual({ loss: 0, gradient: [0, 0, 0, 0, 0, 0] });
  const all = await loss.of({
    similarity: [[1, 2]],
    probability: [1, 1],
    pairs: [0, 1].map((item) => ({ request: 0, item, label: 1 })),
  });
  expect(all).toEqual({ loss: 0, gradient: [0, 0] });
});

test('gradients', async () => {
  const pairs = [...one, { request: 0, item: 1, label: 0.5, weight: 2 }, { request: 1, item: 0, label: 1 }];
  for (const correctPositive of [false, true]) {
    const options = { correctPositive, temperature: 0.8 };
    const feeds = matrixFeeds({ similarity, pairs, probability });
    await checkGradients(() => matrixLossTensor(sampled, options, true), feeds, { wrt: ['similarity', 'logq'] });
  }
});
