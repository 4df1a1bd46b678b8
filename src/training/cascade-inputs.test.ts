import { expect, test } from 'vitest';
import dssm from '../models/dssm/model.js';
import ltTtd from '../models/lt-ttd/model.js';
import type { Schema } from '../schema.js';
import { toyDataset } from '../testing/toy-dataset.js';
import { trainingOptions } from './config.js';
import { drawLists } from './lists.js';
import type { ObjectiveOptions } from './objectives.js';
import { Trainer } from './trainer.js';

const LISTS = { impressions: 4, randoms: 6 };

const SMALL = { embedding: 4, towers: [8], width: 4 };
const MODELS = {
  dssm: (schema: Schema) => dssm.create(schema, dssm.options.parse(SMALL)),
  'lt-ttd': (schema: Schema) => {
    const weights = { retrieval: 0.1, ranking: 1, distillation: 0 };
    const transformer = { width: 4, layers: 1, heads: 2 };
    return ltTtd.create(schema, ltTtd.options.parse({ ...SMALL, states: 4, residual: [4], weights, transformer }));
  },
};

/** Reports of the first and the last steps. */
async function train(objectives: ObjectiveOptions[], model: keyof typeof MODELS = 'dssm', steps = 60) {
  const dataset = toyDataset();
  const options = trainingOptions.parse({ objectives, lists: LISTS, batchSize: 32, learningRate: 0.02, epochs: 60 });
  const samples = await drawLists(dataset, options.lists!, options.seed);
  // A teacher that likes items in the order of their rows, and says nothing about randoms.
  const teacher = Float32Array.from(samples.item, (row, i) => (samples.stage[i] === 0 ? Number.NaN : row / 4 - 2));
  const data = { samples: { ...samples, teacher } };
  const trainer = await Trainer.create(MODELS[model](dataset.schema), dataset, options, { threads: 1 }, data);
  const reports: Record<string, number>[] = [];
  for (let step = 0; step < steps; step++) reports.push(await trainer.next());
  await trainer.release();
  const mean = (name: string, from: number, to: number) =>
    reports.slice(from, to).reduce((sum, report) => sum + report[name]!, 0) / (to - from);
  return { first: (name: string) => mean(name, 0, 5), last: (name: string) => mean(name, steps - 5, steps) };
}

test.each([
  { loss: 'bce' },
  { loss: 'pairwise-logistic', by: 'stage' },
  { loss: 'pairwise-hinge', by: 'teacher' },
  { loss: 'listwise-softmax' },
  { loss: 'list-mle', by: 'teacher' },
  { loss: 'lambda-loss', by: 'stage' },
  { loss: 'differentiable-sorting', by: 'stage', operator: 'neural-sort' },
  { loss: 'differentiable-sorting', by: 'stage', operator: 'soft-sort' },
  { loss: 'tier-order' },
  { loss: 'distill-pointwise' },
  { loss: 'distill-listwise' },
])('lists teach a model by %o', async (objective) => {
  const { first, last } = await train([objective]);
  expect(last(`loss.${objective.loss}`)).toBeLessThan(0.92 * first(`loss.${objective.loss}`));
});

test('the hybrid of distillation, fine and coarse order comes nearer to the teacher', async () => {
  const { first, last } = await train([
    { loss: 'distill-pointwise' },
    { loss: 'differentiable-sorting', by: 'stage', stages: ['candidate'] },
    { loss: 'tier-order' },
  ]);
  // Its order and that of the stages have nothing to do with each other here, so that they do not all fall.
  expect(last('loss')).toBeLessThan(0.97 * first('loss'));
  expect(last('metric.teacherAgreement')).toBeGreaterThan(first('metric.teacherAgreement') + 0.1);
});

test('a model that re-ranks distils both ways on the lists of the batch', async () => {
  const alone = await train([{ loss: 'bce' }], 'lt-ttd', 20);
  const together = await train(
    [{ loss: 'bce' }, { loss: 'two-way-distillation', temperature: 2, weight: 3 }],
    'lt-ttd',
  );
  expect(together.last('loss.two-way-distillation.2')).toBeGreaterThan(0);
  // The model reports how far its two scores are apart.
  expect(together.last('metric.divergence')).toBeLessThan(alone.last('metric.divergence'));
});
