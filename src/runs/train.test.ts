import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Dataset } from '../data/dataset.js';
import { generateDataset } from '../data/generate.js';
import { allItemStates, scoreEvents } from '../evaluation/evaluate.js';
import { resultToJson } from '../evaluation/report.js';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import { temporaryFolder } from '../testing/folder.js';
import { evaluateRun } from './evaluate.js';
import { exportRun } from './export.js';
import { RUN_FILES } from './folder.js';
import { openRun, type Run } from './open.js';
import { predict } from './predict.js';
import { readConfig } from './read-config.js';
import { readRecords } from './records.js';
import { digests } from './testing/checkpoint-bytes.js';
import { toyFolder, toyRequests } from './testing/toy.js';
import { type RunResult, trainRun } from './train.js';

describe('a trained run', () => {
  let toy: Awaited<ReturnType<typeof toyFolder>>;
  let result: RunResult;
  let run: Run;
  let dataset: Dataset;

  beforeAll(async () => {
    toy = await toyFolder();
    result = await trainRun(readConfig(toy.config), { out: join(toy.folder, 'run') });
    run = await openRun(result.folder);
    dataset = result.dataset;
  });

  afterAll(async () => {
    await run.release();
    await toy.remove();
  });

  test('has every file', () => {
    for (const name of Object.values(RUN_FILES)) expect(existsSync(join(result.folder, name)), name).toBe(true);
    for (const name of ['item.onnx', 'user.onnx', 'score.onnx', 'manifest.json']) {
      expect(existsSync(join(result.folder, 'model', name)), name).toBe(true);
    }
  });

  test('evaluates to what its folder says', async () => {
    const written = JSON.parse(await readFile(join(result.folder, RUN_FILES.evaluation), 'utf8'));
    expect(written).toMatchObject({ dataHash: dataset.hash, bestStep: run.step, seed: 7 });
    for (const split of ['validation', 'test'] as const) {
      expect(resultToJson(await evaluateRun(run, { split }))).toEqual(written[split]);
    }
  });

  test('refuses other data than it was trained on', async () => {
    const other = generateDataset({ events: 100 });
    await expect(evaluateRun(run, { dataset: other })).rejects.toMatchObject({ code: 'RUN_INVALID' });
  });

  test('predicts from raw values, and as ONNX files, what evaluation computes', async () => {
    const rows = dataset.splits.test;
    const expected = await scoreEvents(run.inference, dataset, rows, await allItemStates(run.inference, dataset));
    const { users, items, itemRows } = await toyRequests(toy.folder, rows);
    const pairs = itemRows.map((item, user) => ({ user, item }));
    const predicted = await predict(run, { users, items, pairs });
    expect(largestGap(predicted.logits, expected)).toBeLessThan(1e-5);
    expect(predicted.probabilities[0]).toBeCloseTo(1 / (1 + Math.exp(-expected[0]!)), 6);

    const out = join(toy.folder, 'exported');
    await exportRun(run, out);
    expect(digests(out)).toEqual(digests(join(result.folder, 'model')));
    const feeds = run.featurizer();
    const times = users.map((user) => Number(user.time));
    const histories = users.map((user) => user.histories);
    const userState = await runOnnx(
      join(out, 'user.onnx'),
      feeds.encodeUsers({ users, contexts: users, times, histories }),
    );
    const itemState = await runOnnx(join(out, 'item.onnx'), feeds.encodeItems(items));
    const score = await InferenceSession.create(join(out, 'score.onnx'));
    const first = predicted.user.length - 5;
    for (let p = first; p < predicted.user.length; p++) {
      const one = Object.entries(userState).map(([name, tensor]) => [name, rowOf(tensor, p)]);
      const { logit } = await score.run({ ...Object.fromEntries(one), ...itemState });
      expect(Math.abs((logit!.data as Float32Array)[itemRows[p]!]! - expected[p]!)).toBeLessThan(1e-5);
    }
    await score.release();
  });

  test('predicts every pair unless told which, and refuses pairs that point nowhere', async () => {
    const { users, items } = await toyRequests(toy.folder, dataset.splits.test.subarray(0, 2));
    const all = await predict(run, { users, items: items.slice(0, 3) });
    expect([...all.user]).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...all.item]).toEqual([0, 1, 2, 0, 1, 2]);
    const one = await predict(run, { users, items: items.slice(0, 3), pairs: [{ user: 1, item: 2 }] });
    expect(one.logits[0]).toBeCloseTo(all.logits[5]!, 5);
    await expect(predict(run, { users, items, pairs: [{ user: 2, item: 0 }] })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });

  test('finds past items by their id among the items given', async () => {
    const items = await readRecords(join(toy.folder, 'data/items.csv'));
    const past = (item: unknown) => [{ user_id: 1, histories: { clicks: [{ item }] } }];
    const [byId, whole, none] = await Promise.all(
      [past('7'), past(items[7]), past(undefined)].map((users) => predict(run, { users, items })),
    );
    expect(byId!.logits).toEqual(whole!.logits);
    expect(byId!.logits).not.toEqual(none!.logits);
  });

  test('nothing about raw values is an error', async () => {
    const { logits } = await predict(run, { users: [{}, { age: 'old', histories: 3 }], items: [{}, { tags: {} }] });
    expect(logits.every(Number.isFinite)).toBe(true);
  });
});

test('two runs of one seed have the same bytes, another seed has others', async () => {
  const folder = await temporaryFolder();
  const { config } = await toyFolder(folder);
  for (const [name, seed] of [
    ['a', 7],
    ['b', 7],
    ['c', 8],
  ]) {
    await trainRun(readConfig(config, [`training.seed=${seed}`]), { out: join(folder, String(name)) });
  }
  const [a, b, c] = ['a', 'b', 'c'].map((name) => digests(join(folder, name, 'checkpoints')));
  expect(b).toEqual(a);
  expect(c).not.toEqual(a);
});

test('with permuted labels there is nothing to learn', { timeout: 30_000 }, async () => {
  const folder = await temporaryFolder();
  const generated = generateDataset({ events: 20_000, users: 300 });
  const config = {
    data: 'generated',
    model: { name: 'dssm' },
    training: { epochs: 2, batchSize: 512, learningRate: 0.005 },
  };
  const auc = async (dataset: Dataset, name: string) =>
    (await trainRun(config, { out: join(folder, name), dataset })).evaluation.test.metrics.auc!;
  expect(await auc(generated, 'true')).toBeGreaterThan(0.62);
  const click = generated.events.feedback.get('click')!.slice();
  const random = Random.of(3, 'permute');
  for (let i = click.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [click[i], click[j]] = [click[j]!, click[i]!];
  }
  const permuted = { ...generated, events: { ...generated.events, feedback: new Map([['click', click]]) } };
  expect(Math.abs((await auc(permuted, 'permuted')) - 0.5)).toBeLessThan(0.04);
});

test('a label that is neither 0 nor 1 is refused before there is a run folder', async () => {
  const out = join(await temporaryFolder(), 'run');
  const dataset = generateDataset({ events: 100 });
  const config = { data: 'generated', model: { name: 'dssm' }, label: 'seconds' };
  await expect(trainRun(config, { out, dataset })).rejects.toThrow(/the label "seconds" is \d+ in event \d+/);
  expect(existsSync(out)).toBe(false);
});

test('a group that fits no parameter gets a warning', async () => {
  const { config, folder, remove } = await toyFolder();
  const groups = 'training.groups=[{ match: tables/*, rate: 2 }, { match: tabels/*, rate: 3 }]';
  const warnings: string[] = [];
  await trainRun(readConfig(config, [groups, 'training.epochs=1']), {
    out: join(folder, 'run'),
    onEvent: (event) => event.type === 'warning' && warnings.push(event.message),
  });
  expect(warnings).toEqual(['training.groups: no parameter fits "tabels/*"; twotower inspect shows the names']);
  await remove();
});

test('divergence stops the run and names the step, the batch and the tensor', async () => {
  const { config, folder, remove } = await toyFolder();
  const out = join(folder, 'run');
  await expect(trainRun(readConfig(config, ['training.learningRate=1e30']), { out })).rejects.toMatchObject({
    code: 'TRAIN_DIVERGED',
    message: expect.stringMatching(/step \d+ \(epoch 1, batch of event rows \d+, .*(user|item|score|tables)\/?/),
  });
  await remove();
});

test('a folder in use is left alone', async () => {
  const { config, folder, remove } = await toyFolder();
  const out = join(folder, 'out');
  await mkdir(out);
  await writeFile(join(out, 'thesis.txt'), 'do not touch');
  await expect(trainRun(readConfig(config), { out })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(trainRun(readConfig(config), { out: join(out, 'thesis.txt') })).rejects.toMatchObject({ code: 'USAGE' });
  await remove();
});

function largestGap(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((gap, value, i) => Math.max(gap, Math.abs(value - b[i]!)), 0);
}

async function runOnnx(file: string, feeds: Feeds): Promise<Record<string, Tensor>> {
  const session = await InferenceSession.create(file);
  const inputs = session.inputNames.map((name) => {
    const { data, shape } = feeds[name]!;
    return [
      name,
      data instanceof Int32Array
        ? new Tensor('int32', data, shape)
        : new Tensor('float32', data as Float32Array, shape),
    ];
  });
  const outputs = await session.run(Object.fromEntries(inputs));
  await session.release();
  return outputs as Record<string, Tensor>;
}

function rowOf(tensor: Tensor, row: number): Tensor {
  const size = tensor.dims.slice(1).reduce((a, b) => a * b, 1);
  const data = (tensor.data as Float32Array).slice(row * size, (row + 1) * size);
  return new Tensor('float32', data, [1, ...tensor.dims.slice(1)]);
}
