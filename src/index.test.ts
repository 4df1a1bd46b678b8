import { join } from 'node:path';
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import * as twotower from './index.js';
import {
  type Dataset,
  defineModel,
  evaluateRun,
  exportRun,
  generateDataset,
  graph,
  inspectRun,
  nn,
  openRun,
  type Predictions,
  predict,
  type RunResult,
  recommend,
  resultToJson,
  trainRun,
} from './index.js';
import { temporaryFolder } from './testing/folder.js';

/** A model of a user's own: one embedding a side and their inner product. */
const factors = defineModel({
  name: 'factors',
  title: 'Matrix factorisation',
  options: z.strictObject({ width: z.int().positive().default(8) }),
  create: (_schema, { width }) => ({
    item: ({ fields }) => ({ vector: nn.embedField(fields[0]!, { width }) }),
    user: ({ fields }) => ({ vector: nn.embedField(fields[0]!, { width }) }),
    score: (user, item) => graph.reduceSum(graph.multiply(user.vector!, item.vector!), -1),
    retrieval: { user: 'vector', item: 'vector' },
  }),
});

test('a program of the public library alone trains its own model, uses it and exports it', async () => {
  const folder = await temporaryFolder();
  const dataset = generateDataset({ events: 3000, users: 60, items: 30 });
  const models = [factors];
  const result = await trainRun(
    {
      data: 'generated',
      model: { name: 'factors', width: 4 },
      training: { epochs: 4, batchSize: 64, learningRate: 0.02 },
      evaluation: { ks: [5] },
    },
    { out: join(folder, 'run'), dataset, models },
  );
  expectTypeOf(result).toEqualTypeOf<RunResult>();
  expectTypeOf(result.dataset).toEqualTypeOf<Dataset>();
  expect(result.evaluation.test.metrics.auc).toBeGreaterThan(0.55);

  await expect(openRun(result.folder)).rejects.toThrow('there is no model "factors"');
  const run = await openRun(result.folder, { models });
  expect(resultToJson(await evaluateRun(run, { dataset }))).toEqual(result.evaluation.test);
  const predictions = await predict(run, { users: [{ user_id: 'u1' }], items: [{ item_id: 'i1' }, { item_id: 'i2' }] });
  expectTypeOf(predictions).toEqualTypeOf<Predictions>();
  expect(predictions.logits).toHaveLength(2);
  const { items } = await recommend(run, { dataset, user: 'u1', k: 3, includeSeen: true });
  expect(items).toHaveLength(3);
  expect(inspectRun(run).cost.score!.inputBytes).toBe(2 * 4 * 4);
  const manifest = await exportRun(run, join(folder, 'model'));
  expect(manifest.parts.user!.outputs).toEqual([{ name: 'user.vector', dtype: 'float32', shape: ['B', 4] }]);
  await run.release();
});

test('a key that no configuration has is a type error, and an error at run time', async () => {
  const wrong = { data: 'generated', model: { name: 'dssm' }, training: { epohcs: 3 } };
  // @ts-expect-error `epohcs` is no key of the training section
  const promise = trainRun(wrong, { out: 'never-written', dataset: generateDataset({ events: 50 }) });
  await expect(promise).rejects.toThrow('did you mean "epochs"?');
});

test('every error code a user may meet is published', () => {
  expect(twotower.ERROR_CODES.RUN_INTERRUPTED).toBeTypeOf('string');
  expect(new twotower.TwoTowerError('USAGE', 'a', 'b').remedy).toBe('b');
});
