import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectClose } from '../testing/expect-close.js';
import { type ListBatch, listLoss } from '../testing/list-loss.js';
import differentiableSorting from './differentiable-sorting.js';
import distillListwise from './distill-listwise.js';
import lambdaLoss from './lambda-loss.js';
import listMle from './list-mle.js';
import listwiseSoftmax from './listwise-softmax.js';
import pairwiseHinge from './pairwise-hinge.js';
import pairwiseLogistic from './pairwise-logistic.js';
import tierOrder from './tier-order.js';
import twoWayDistillation from './two-way-distillation.js';

const { log, exp } = Math;
const softplus = (x: number) => log(1 + exp(x));
/** Odds 1, 2 and 5. */
const SCORES = [[0, log(2), log(5)]];

test('pairwise logistic: two of three pairs have an order', async () => {
  const found = await listLoss(pairwiseLogistic, {}, { scores: SCORES, labels: [[0, 1, 0]] });
  // 2 against 1 wins with 2/3, 2 against 5 with 2/7.
  expect(found.loss).toBeCloseTo((log(3 / 2) + log(7 / 2)) / 2, 5);
  const sharp = await listLoss(pairwiseLogistic, { temperature: 0.5 }, { scores: SCORES, labels: [[0, 1, 0]] });
  expect(sharp.loss).toBeCloseTo((log(5 / 4) + log(29 / 4)) / 2, 5);
});

test('pairwise by the teacher: what it did not score is in no pair', async () => {
  const found = await listLoss(pairwiseLogistic, { by: 'teacher' }, { scores: SCORES, teacher: [[3, null, 2]] });
  expect(found.loss).toBeCloseTo(log(6), 5);
  expect(found.gradient[1]).toBe(0);
});

test('pairwise hinge: a margin kept is no loss', async () => {
  const batch: ListBatch = { scores: [[0, 1.5, 1]], labels: [[0, 1, 0]] };
  // Gaps 1.5 and 0.5.
  expect((await listLoss(pairwiseHinge, {}, batch)).loss).toBeCloseTo(0.25, 6);
  expect((await listLoss(pairwiseHinge, { margin: 0.5 }, batch)).loss).toBe(0);
});

test('listwise softmax: graded gains share the list', async () => {
  const binary = await listLoss(listwiseSoftmax, {}, { scores: SCORES, labels: [[0, 1, 0]] });
  expect(binary.loss).toBeCloseTo(log(8 / 2), 5);
  // Gains 0, 1 and 3 of levels 0, 1 and 2; linear ones 0, 1 and 2.
  const batch: ListBatch = { scores: SCORES, stages: [[0, 1, 2]] };
  const graded = await listLoss(listwiseSoftmax, { by: 'stage' }, batch);
  expect(graded.loss).toBeCloseTo(log(8 / 2) / 4 + (3 * log(8 / 5)) / 4, 5);
  const linear = await listLoss(listwiseSoftmax, { by: 'stage', gains: 'linear' }, batch);
  expect(linear.loss).toBeCloseTo(log(8 / 2) / 3 + (2 * log(8 / 5)) / 3, 5);
});

test('ListMLE: the probability of drawing the true order', async () => {
  // 2 of 1 + 2 + 5, then 1 of 1 + 5: two positions are better than another.
  const found = await listLoss(listMle, { by: 'stage' }, { scores: SCORES, stages: [[1, 2, 0]] });
  expect(found.loss).toBeCloseTo((log(8 / 2) + log(6)) / 2, 5);
  // Equal ones are drawn from the same remainder.
  const ties = await listLoss(listMle, { by: 'stage' }, { scores: SCORES, stages: [[1, 1, 0]] });
  expect(ties.loss).toBeCloseTo((log(8) + log(8 / 2)) / 2, 5);
});

test('LambdaLoss: each pair counts for what its exchange would change', async () => {
  // Order 2, 1, 0 by score; gains 3, 1, 0 at the positions 2, 1, 0: the best DCG is 3 + 1/log₂3.
  const batch: ListBatch = { scores: SCORES, stages: [[2, 1, 0]] };
  const at = [1, 1 / Math.log2(3), 1 / 2];
  const best = 3 * at[0]! + at[1]!;
  const term = (gain: number, i: number, j: number, odds: number) => gain * Math.abs(at[i]! - at[j]!) * log(1 + odds);
  // Item 0 stands last, 1 second, 2 first.
  const pairs = [term(2, 2, 1, 2), term(3, 2, 0, 5), term(1, 1, 0, 5 / 2)];
  const wanted = pairs.reduce((a, b) => a + b) / best;
  expect((await listLoss(lambdaLoss, { by: 'stage' }, batch)).loss).toBeCloseTo(wanted, 5);
  // Of one counted position only exchanges with the first change anything.
  const head = (term(3, 2, 0, 5) / (1 - at[2]!) + term(1, 1, 0, 5 / 2) / (1 - at[1]!)) / 3;
  expect((await listLoss(lambdaLoss, { by: 'stage', k: 1 }, batch)).loss).toBeCloseTo(head, 5);
});

test('differentiable sorting: two scores by hand, with both operators', async () => {
  // Gap 1: each row is the softmax of (1, 0), and the order is right.
  for (const operator of ['neural-sort', 'soft-sort']) {
    const found = await listLoss(differentiableSorting, { operator }, { scores: [[1, 2]], labels: [[0, 1]] });
    expect(found.loss).toBeCloseTo(softplus(-1), 5);
    const wrong = await listLoss(differentiableSorting, { operator }, { scores: [[1, 2]], labels: [[1, 0]] });
    expect(wrong.loss).toBeCloseTo(softplus(1), 5);
  }
});

test('differentiable sorting: rows beyond the first ones may be left out', async () => {
  // SoftSort: rows are softmax(0, −1, −3), softmax(−1, 0, −2), softmax(−3, −2, 0).
  const batch: ListBatch = { scores: [[3, 2, 0]], stages: [[3, 2, 1]] };
  const row = (...logits: number[]) => log(logits.map(exp).reduce((a, b) => a + b));
  const rows = [row(0, -1, -3), row(-1, 0, -2), row(-3, -2, 0)];
  const options = { by: 'stage', operator: 'soft-sort' };
  expect((await listLoss(differentiableSorting, options, batch)).loss).toBeCloseTo(
    (rows[0]! + rows[1]! + rows[2]!) / 3,
    5,
  );
  expect((await listLoss(differentiableSorting, { ...options, rows: 1 }, batch)).loss).toBeCloseTo(rows[0]!, 5);
});

test.each(['neural-sort', 'soft-sort'])(
  '%s: as τ falls, a right order costs nothing and a wrong one ever more',
  async (operator) => {
    const right: ListBatch = { scores: [[0.5, 2, -1]], stages: [[2, 3, 1]] };
    const wrong: ListBatch = { scores: [[2, 0.5, -1]], stages: [[2, 3, 1]] };
    const at = (temperature: number, batch: ListBatch) =>
      listLoss(differentiableSorting, { by: 'stage', operator, temperature }, batch).then(({ loss }) => loss);
    expect(await at(0.05, right)).toBeCloseTo(0, 5);
    expect(await at(1, right)).toBeGreaterThan(0.05);
    expect(await at(0.05, wrong)).toBeGreaterThan(3 * (await at(1, wrong)));
  },
);

test('differentiable sorting: the teacher orders what is equally good, the unscored stand amid their level', async () => {
  const base: ListBatch = { scores: [[0.4, -0.3, 1.1, 0.2]], stages: [[2, 2, 1, 2]] };
  const explicit = await listLoss(differentiableSorting, { by: 'stage' }, { ...base, stages: [[3, 1, 0, 2]] });
  // 5 and 1 have the mean 3, which is where the one without a score stands.
  const taught = { ...base, teacher: [[5, 1, 9, null]] };
  expect((await listLoss(differentiableSorting, { by: 'stage' }, taught)).loss).toBeCloseTo(explicit.loss, 6);
  const free = await listLoss(differentiableSorting, { by: 'stage', tieBreak: 'none' }, taught);
  const untaught = await listLoss(differentiableSorting, { by: 'stage' }, base);
  expect(free.loss).toBeCloseTo(untaught.loss, 6);
  expect(free.loss).toBeLessThan(explicit.loss);
});

test('differentiable sorting: any order among equally good items costs the same, and nothing else being there, nothing', async () => {
  const of = (scores: number[], stages: number[]) =>
    listLoss(differentiableSorting, { by: 'stage', operator: 'soft-sort' }, { scores: [scores], stages: [stages] });
  expect((await of([3, 1, -2], [2, 2, 1])).loss).toBeCloseTo((await of([1, 3, -2], [2, 2, 1])).loss, 6);
  const ties = await of([3, 1, -2], [2, 2, 2]);
  expect(ties.loss).toBeCloseTo(0, 6);
  expectClose(ties.gradient, [0, 0, 0]);
});

const gridded = fc.integer({ min: -12, max: 12 }).map((value) => value / 4);
const someLists = fc.array(
  fc.array(fc.record({ score: gridded, stage: fc.integer({ min: 0, max: 3 }) }), { minLength: 1, maxLength: 6 }),
  { minLength: 1, maxLength: 4 },
);

test('differentiable sorting equals the sum over all rows and the items that may stand there', async () => {
  await fc.assert(
    fc.asyncProperty(someLists, async (lists) => {
      const scores = lists.map((list) => list.map(({ score }) => score));
      const stages = lists.map((list) => list.map(({ stage }) => stage));
      const wanted = lists.flatMap((list) => {
        if (new Set(list.map(({ stage }) => stage)).size === 1) return [];
        const levels = list.map(({ stage }) => stage).sort((a, b) => b - a);
        const rows = levels.map((level, i) => {
          const logits = list.map(({ score }) => {
            const gaps = list.reduce((sum, other) => sum + Math.abs(score - other.score), 0);
            return (list.length - 1 - 2 * i) * score - gaps;
          });
          const total = logits.reduce((sum, x) => sum + exp(x - Math.max(...logits)), 0);
          const there = logits.filter((_, j) => list[j]!.stage === level);
          return -log(there.reduce((sum, x) => sum + exp(x - Math.max(...logits)), 0) / total);
        });
        return [rows.reduce((a, b) => a + b) / rows.length];
      });
      const mean = wanted.length === 0 ? 0 : wanted.reduce((a, b) => a + b) / wanted.length;
      const found = await listLoss(differentiableSorting, { by: 'stage' }, { scores, stages });
      expect(Math.abs(found.loss - mean)).toBeLessThan(1e-4 * (1 + mean));
    }),
    { seed: 1, numRuns: 25 },
  );
});

test('LambdaLoss equals the sum over pairs exchanged one by one', async () => {
  await fc.assert(
    fc.asyncProperty(someLists, fc.integer({ min: 1, max: 4 }), async (lists, k) => {
      const dcg = (order: { stage: number }[]) =>
        order.slice(0, k).reduce((sum, { stage }, at) => sum + (2 ** stage - 1) / Math.log2(2 + at), 0);
      const wanted = lists.flatMap((list) => {
        const best = dcg(list.toSorted((a, b) => b.stage - a.stage));
        if (new Set(list.map(({ stage }) => stage)).size === 1) return [];
        const order = list.toSorted((a, b) => b.score - a.score);
        let sum = 0;
        for (const [i, better] of order.entries()) {
          for (const [j, worse] of order.entries()) {
            if (better.stage <= worse.stage) continue;
            const exchanged = order.with(i, worse).with(j, better);
            sum += (Math.abs(dcg(exchanged) - dcg(order)) / best) * softplus(worse.score - better.score);
          }
        }
        return [sum];
      });
      const mean = wanted.length === 0 ? 0 : wanted.reduce((a, b) => a + b) / wanted.length;
      const batch = {
        scores: lists.map((list) => list.map(({ score }) => score)),
        stages: lists.map((list) => list.map(({ stage }) => stage)),
      };
      const found = await listLoss(lambdaLoss, { by: 'stage', k }, batch);
      expect(Math.abs(found.loss - mean)).toBeLessThan(1e-4 * (1 + mean));
    }),
    { seed: 1, numRuns: 25 },
  );
});

test('tier order: pairs of different tiers alone', async () => {
  const stages = [[0, 1, 3]];
  const all = await listLoss(tierOrder, {}, { scores: SCORES, stages });
  expect(all.loss).toBeCloseTo((log(3 / 2) + log(6 / 5) + log(7 / 5)) / 3, 5);
  // Two tiers: below `shown` and from there on.
  const two = await listLoss(tierOrder, { tiers: ['shown'] }, { scores: SCORES, stages });
  expect(two.loss).toBeCloseTo((log(6 / 5) + log(7 / 5)) / 2, 5);
});

test('tier order ignores every change of order inside a tier', async () => {
  const stages = [[1, 1, 1, 2, 2]];
  const before = await listLoss(tierOrder, {}, { scores: [[0.5, -1, 2, 0.3, 1]], stages });
  const after = await listLoss(tierOrder, {}, { scores: [[2, 0.5, -1, 1, 0.3]], stages });
  expect(after.loss).toBeCloseTo(before.loss, 6);
  const teacher = [[1, 2, 3, 4, 5]];
  expect((await listLoss(tierOrder, {}, { scores: [[0.5, -1, 2, 0.3, 1]], stages, teacher })).loss).toBe(before.loss);
});

test('tier order: a stage the dataset does not have is an error', async () => {
  await expect(listLoss(tierOrder, { tiers: ['showm'] }, { scores: SCORES })).rejects.toThrow(
    'the dataset has no stage "showm"\n  did you mean "shown"?',
  );
});

test('listwise distillation: a divergence by hand, over what the teacher scored', async () => {
  // Teacher shares 3/4 and 1/4, student 1/2 and 1/2; the third is not scored.
  const batch: ListBatch = { scores: [[1, 1, 5]], teacher: [[log(3), 0, null]] };
  const found = await listLoss(distillListwise, {}, batch);
  expect(found.loss).toBeCloseTo((3 / 4) * log(3 / 2) + (1 / 4) * log(1 / 2), 5);
  expectClose(found.gradient, [-1 / 4, 1 / 4, 0]);
  // At T = 1/2 the odds are squared and the loss is divided by 4.
  const sharp = await listLoss(distillListwise, { temperature: 0.5 }, batch);
  expect(sharp.loss).toBeCloseTo(((9 / 10) * log(9 / 5) + (1 / 10) * log(1 / 5)) / 4, 5);
});

test('listwise distillation: the teacher up to a constant is no loss', async () => {
  const found = await listLoss(distillListwise, { temperature: 2 }, { scores: [[1, -2, 0.5]], teacher: [[4, 1, 3.5]] });
  expect(found.loss).toBeCloseTo(0, 5);
  expectClose(found.gradient, [0, 0, 0]);
});

test('two-way distillation: each side learns from the other as it stands', async () => {
  const batch: ListBatch = { scores: [[0, 0]], reranked: [[log(3), 0]] };
  const down = (3 / 4) * log(3 / 2) + (1 / 4) * log(1 / 2);
  const up = (1 / 2) * log(2 / 3) + (1 / 2) * log(2);
  const one = await listLoss(twoWayDistillation, { eta: 0 }, batch);
  expect(one.loss).toBeCloseTo(down, 5);
  const both = await listLoss(twoWayDistillation, { eta: 0.5 }, batch);
  expect(both.loss).toBeCloseTo(down + up / 2, 5);
  // The scores are a fixed target of the other direction, which adds nothing to their gradient.
  expectClose(both.gradient, [-1 / 4, 1 / 4]);
  expectClose(one.gradient, [-1 / 4, 1 / 4]);
});
