import { describe, expect, test } from 'vitest';
import { expectClose } from '../testing/expect-close.js';
import { checkGradients } from '../testing/gradient-check.js';
import { type ListBatch, listFeeds, listLoss, listLossTensor } from '../testing/list-loss.js';
import { LOSSES } from './index.js';

/** Two lists with levels, ties, positions without a teacher's score, and one of a single item. */
const BATCH: ListBatch = {
  scores: [[0.3, -1.1, 0.9, 0.2], [1.2, -0.4, 0.1], [2]],
  labels: [[1, 0, 0, 0], [0, 1, 0], [1]],
  stages: [[3, 0, 2, 1], [2, 3, 2], [3]],
  teacher: [[0.5, null, 1.5, -0.7], [0.1, 0.8, -1], [0.4]],
  reranked: [[0.1, 0.5, -0.3, 1], [0.2, 0.6, -1.4], [1]],
};
const reversed = <T>(lists: T[][] | undefined) => lists?.map((list) => list.toReversed());

const VARIANTS = LOSSES.filter(({ needs }) => needs === 'lists' || needs === 'rerank').flatMap((loss) => {
  const shape = (loss.options as unknown as { shape: Record<string, { def?: unknown }> }).shape;
  const choices = ['label', 'stage', 'teacher'].filter((by) => loss.options.safeParse({ by }).success);
  const plain = 'by' in shape ? choices.map((by) => ({ by })) : [{}];
  return plain.map((options) => ({ loss, options, name: `${loss.name} ${JSON.stringify(options)}` }));
});

describe.each(VARIANTS)('$name', ({ loss, options }) => {
  test('padding changes nothing, the order of the positions neither', async () => {
    const found = await listLoss(loss, options, BATCH);
    expect(found.loss).toBeGreaterThan(0);
    const padded = await listLoss(loss, options, { ...BATCH, padding: 3 });
    expect(padded.loss).toBeCloseTo(found.loss, 5);
    expectClose(padded.gradient, found.gradient);
    const { scores, labels, stages, teacher, reranked } = BATCH;
    const backwards = await listLoss(loss, options, {
      scores: reversed(scores)!,
      labels: reversed(labels)!,
      stages: reversed(stages)!,
      teacher: reversed(teacher)!,
      reranked: reversed(reranked)!,
    });
    expect(backwards.loss).toBeCloseTo(found.loss, 5);
  });

  test('a single item has nothing to be compared with', async () => {
    const one = await listLoss(loss, options, {
      scores: [[2]],
      labels: [[1]],
      stages: [[3]],
      teacher: [[0.4]],
      padding: 1,
    });
    expect(one.loss).toBeCloseTo(0, 6);
    expectClose(one.gradient, [0]);
  });

  test('gradients', async () => {
    // One direction: the other holds the scores fixed, which differences do not.
    const own = loss.name === 'two-way-distillation' ? { eta: 0 } : options;
    await checkGradients(() => listLossTensor(loss, own), listFeeds({ ...BATCH, padding: 1 }), { wrt: ['logits'] });
  });
});
