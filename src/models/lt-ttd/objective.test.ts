import { expect, test } from 'vitest';
import { input, multiply } from '../../graph/index.js';
import { run } from '../../nn/testing/run.js';
import { bools, floats, ints } from '../../nn/testing/values.js';
import { jointLosses } from './objective.js';
import { options } from './options.js';

const LOGQ = [-1, -2, -0.5];

const log = (x: number) => Math.log(x);
const shares = (scores: number[]) => {
  const exponentials = scores.map(Math.exp);
  return exponentials.map((e) => e / exponentials.reduce((a, b) => a + b, 0));
};
const divergence = (p: number[], q: number[]) => p.reduce((sum, share, j) => sum + share * log(share / q[j]!), 0);

/**
 * One request, which liked item 1 and not item 0; the transformer triples the scores. All three items stand in the list,
 * unless the batch brings one along: that of the pairs, and an empty position.
 */
async function losses(choices: object, step: number, listed = false): Promise<Record<string, number>> {
  const sizes = { size: 20, hard: 0 };
  const outputs = await run(
    () => {
      const { losses } = jointLosses(
        input('similarity', ['B', 'I']),
        {
          request: input('request', ['P'], 'int32'),
          itemRow: input('itemRow', ['P'], 'int32'),
          label: input('label', ['P']),
          logq: input('logq', ['I']),
          ...(listed && {
            lists: { pairs: input('pairs', ['B', 'L'], 'int32'), mask: input('mask', ['B', 'L'], 'bool') },
          }),
          step: input('step', []),
          stepsPerEpoch: input('stepsPerEpoch', []),
        },
        options.parse({ lists: sizes, ...choices }),
        (_items, scores) => multiply(scores, 3),
      );
      return losses!;
    },
    {
      similarity: floats([[0.2, 0.5, -0.1]]),
      request: ints([0, 0]),
      itemRow: ints([0, 1]),
      label: floats([0, 1]),
      logq: floats(LOGQ),
      ...(listed && { pairs: ints([[1, 0, 0]]), mask: bools([[1, 1, 0]]) }),
      step: floats(step),
      stepsPerEpoch: floats(10),
    },
    { training: true },
  );
  return Object.fromEntries(Object.entries(outputs).map(([name, { values }]) => [name, values[0]!]));
}

test('three losses, weighed by λ and η', async () => {
  const found = await losses({ weights: { retrieval: 2, ranking: 3, distillation: 0.5 }, eta: 0.25 }, 100);
  const corrected = [0.2, 0.5, -0.1].map((score, i) => score - LOGQ[i]!);
  expect(found.retrieval).toBeCloseTo(2 * -log(shares(corrected)[1]!), 5);
  expect(found.ranking).toBeCloseTo(3 * -log(shares([0.6, 1.5, -0.3])[1]!), 5);
  const [towers, transformer] = [shares([0.1, 0.25, -0.05]), shares([0.3, 0.75, -0.15])];
  const both = 4 * (divergence(transformer, towers) + 0.25 * divergence(towers, transformer));
  expect(found.distillation).toBeCloseTo(0.5 * both, 5);
});

test('lists that the batch brings along take the place of those made of it', async () => {
  const found = await losses({ eta: 0 }, 100, true);
  expect(found.ranking).toBeCloseTo(-log(shares([0.6, 1.5])[1]!), 5);
  expect(found.distillation).toBeCloseTo(4 * divergence(shares([0.3, 0.75]), shares([0.1, 0.25])), 5);
  // Retrieval still compares with every item of the batch.
  expect(found.retrieval).toBeCloseTo((await losses({}, 100)).retrieval!, 6);
});

test('distillation grows from nothing over the warm-up', async () => {
  const full = (await losses({ warmup: 0 }, 0)).distillation!;
  expect(full).toBeGreaterThan(0);
  for (const [step, share] of [
    [0, 0],
    [1, 0.25],
    [4, 1],
    [9, 1],
  ] as const) {
    expect((await losses({ warmup: 0.4 }, step)).distillation).toBeCloseTo(share * full, 6);
  }
});

test('what has no weight is not there', async () => {
  expect(Object.keys(await losses({ weights: { retrieval: 0 } }, 1))).toEqual(['ranking', 'distillation']);
  expect(Object.keys(await losses({ weights: { distillation: 0 } }, 1))).toEqual(['retrieval', 'ranking']);
  expect(Object.keys(await losses({ weights: { ranking: 0 } }, 1))).toEqual(['retrieval', 'distillation']);
});

test('learned uncertainties start where they change nothing', async () => {
  expect(await losses({ uncertainty: true }, 3)).toEqual(await losses({}, 3));
});
