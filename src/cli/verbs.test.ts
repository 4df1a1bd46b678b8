import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toyFolder } from '../runs/testing/toy.js';
import { twotower } from './testing/twotower.js';
import { freeFolder } from './train.js';

let toy: Awaited<ReturnType<typeof toyFolder>>;
let run: string;

beforeAll(async () => {
  toy = await toyFolder();
  run = join(toy.folder, 'run');
  await twotower('train', toy.config, '--out', run);
});
afterAll(() => toy.remove());

async function json(...args: string[]) {
  const { code, stdout, stderr } = await twotower(...args, '--json');
  expect({ code, stderr: code === 0 ? '' : stderr }, stderr).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const NAMES = [
  'quickstart',
  'train',
  'evaluate',
  'predict',
  'recommend',
  'tune',
  'compare',
  'cascade evaluate',
  'cascade mine',
  'inspect',
  'export',
  'publish',
  'data inspect',
  'data audit',
  'schema',
];

test.each(NAMES)('%s --help shows an example and --json', async (name) => {
  const { code, stdout } = await twotower(...name.split(' '), '--help');
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`Examples?:\\n {2}\\$ twotower ${name}`));
  expect(stdout).toContain('--json');
});

test('train writes the run, its metrics and what to do next', async () => {
  const out = join(toy.folder, 'another');
  const { code, stdout, stderr } = await twotower('train', toy.config, '--out', out, '--set', 'training.epochs=1');
  expect(code).toBe(0);
  expect(stdout).toMatch(/auc +0\.\d{4} +0\.\d{4}\n/);
  expect(stdout).toContain(`export ${out} --out model`);
  expect(stderr).toMatch(/samples, .* parameters, up to 10 steps\nepoch 1 {2}step 10 {2}validation auc/);
  expect(stdout + stderr).not.toContain('\x1b');
  const again = await json('train', '--resume', '--out', out);
  expect(again).toMatchObject({ folder: out, bestStep: 10, evaluation: { test: { counts: { samples: 152 } } } });
});

test('evaluate', async () => {
  const { metrics, split, step } = await json('evaluate', run, '--split', 'validation');
  expect({ split, step }).toEqual({ split: 'validation', step: expect.any(Number) });
  expect(metrics.auc).toBeGreaterThan(0.4);
  expect((await twotower('evaluate', run)).stdout).toMatch(/^auc +0\.\d{4}\n/);
});

test('predict: all pairs of two files, named by their ids', async () => {
  const users = join(toy.folder, 'users.jsonl');
  const items = join(toy.folder, 'items.csv');
  await writeFile(users, '{"user_id": 3, "surface": "p1"}\n{"user_id": 4}\n');
  await writeFile(items, 'item_id,categry\n1,g3\n2,\n');
  const { predictions } = await json('predict', run, '--users', users, '--items', items);
  expect(predictions.map((p: { user: unknown; item: unknown }) => [p.user, p.item])).toEqual([
    [3, '1'],
    [3, '2'],
    [4, '1'],
    [4, '2'],
  ]);
  for (const { logit, probability } of predictions) expect(probability).toBeCloseTo(1 / (1 + Math.exp(-logit)), 10);
  const { stdout, stderr } = await twotower('predict', run, '--users', users, '--items', items);
  expect(stdout).toContain(predictions[0].probability.toFixed(5));
  expect(stderr).toContain('column "categry" is no field of this run, did you mean "category"?');
  const pairs = join(toy.folder, 'pairs.csv');
  await writeFile(pairs, 'user,item\n1,0\n');
  const one = await json('predict', run, '--users', users, '--items', items, '--pairs', pairs);
  expect(one.predictions).toMatchObject([{ user: 4, item: '1' }]);
  expect(one.predictions[0].logit).toBeCloseTo(predictions[2].logit, 5);
});

test('recommend', async () => {
  const { items } = await json('recommend', run, '--user', '1', '-k', '3');
  expect(items).toHaveLength(3);
  const { code, stdout, stderr } = await twotower('recommend', run, '--user', 'nobody', '-k', '2');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^user nobody\n/);
  expect(stderr).toContain('warning: user nobody is not in the data');
});

test('inspect says the same of a configuration and of its run', async () => {
  const fromRun = await json('inspect', run);
  expect(await json('inspect', toy.config)).toEqual(fromRun);
  const { tables, dense, statistics, total, scopes } = fromRun.parameters;
  expect(total).toBe(tables + dense + statistics);
  expect(Object.values<number>(scopes).reduce((a, b) => a + b)).toBe(total);
  // Four embeddings of width 4 → 8 → 4, and one number for the bias.
  expect(fromRun.cost.score.outputBytes).toBe(4);
  expect(fromRun.cost.item.outputBytes).toBe(4 * 5);
  expect(fromRun.cost.item.multiplyAdds).toBe(16 * 8 + 8 * 4);
  const { stdout } = await twotower('inspect', run);
  expect(stdout).toMatch(/score +per candidate/);
});

test('export', async () => {
  const out = join(toy.folder, 'onnx');
  const { manifest } = await json('export', run, '--out', out);
  expect(Object.keys(manifest.parts)).toEqual(['item', 'user', 'score']);
  expect(existsSync(join(out, 'score.onnx'))).toBe(true);
  expect(await twotower('export', run, '--out', out)).toMatchObject({ code: 2 });
});

test('data inspect', async () => {
  const found = await json('data', 'inspect', join(toy.folder, 'data/dataset.yaml'));
  expect(found.counts).toMatchObject({ events: 1500, users: 60, items: 40 });
});

test('schema', async () => {
  expect((await json('schema')).properties).toHaveProperty('training');
  expect(JSON.parse((await twotower('schema', 'dataset')).stdout).properties).toHaveProperty('tables');
});

describe('what cannot be done', () => {
  test.each([
    [['train'], 'there is no configuration'],
    [['train', 'nowhere.yaml'], 'nowhere.yaml: there is no such file'],
    [['train', '--resume'], '--resume needs the run folder'],
    [['evaluate', 'nowhere'], 'nowhere is not a run folder'],
    [['evaluate', 'nowhere', '--split', 'tset'], 'Allowed choices are test, validation, train'],
    [['recommend', 'nowhere'], "required option '--user <id>' not specified"],
    [['recommend', 'nowhere', '--user', '1', '-k', '1.5'], 'whole number of at least 1'],
    [['predict', 'nowhere', '--users', 'u.csv', '--items', 'i.csv'], 'nowhere is not a run folder'],
    [['inspect', 'nowhere.yaml'], 'nowhere.yaml: there is no such file'],
    [['data', 'inspect', 'kuairand-pur'], 'did you mean "kuairand-pure"?'],
    [['schema', 'trainng'], 'Allowed choices are training, dataset'],
    [['cascade', 'mine', 'nowhere.yaml', '--out', 'package.json/x.parquet'], 'package.json is a file, where a folder'],
    [['cascade', 'mine', 'nowhere.yaml', '--out', 'x.txt'], 'Name a file that ends in .parquet'],
    [['keys', 'package.json/keys.yaml', '--name', 'x'], 'error FILE_REFUSED: '],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await twotower(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('a folder that holds a run is not overwritten; the message says how to continue', async () => {
    const { code, stderr } = await twotower('train', toy.config, '--out', run);
    expect(code).toBe(2);
    expect(stderr).toContain(`--resume --out ${run}`);
  });

  test('a run is inspected as it was trained', async () => {
    const { code, stderr } = await twotower('inspect', run, '--set', 'model.width=3');
    expect([code, stderr]).toEqual([2, expect.stringContaining(`--set model.width=3: ${run} is a run`)]);
  });

  test('divergence is a failure of the work', async () => {
    const out = join(toy.folder, 'diverged');
    const args = ['train', toy.config, '--out', out, '--set', 'training.learningRate=1e30', '--json'];
    const { code, stdout } = await twotower(...args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error.code).toBe('TRAIN_DIVERGED');
  });
});

test('Ctrl-C ends training in a state that can be resumed', async () => {
  const out = join(toy.folder, 'interrupted');
  const training = twotower('train', toy.config, '--out', out, '--set', 'training.epochs=1000');
  while (!existsSync(join(out, 'metrics.jsonl'))) await new Promise((done) => setTimeout(done, 5));
  process.emit('SIGINT');
  const { code, stdout, stderr } = await training;
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
  expect(stderr).toMatch(/stopping when the run can be resumed; press Ctrl-C again/);
  expect(stderr).toContain(`Continue with: twotower train --resume --out ${out}`);
  expect(process.listenerCount('SIGTERM')).toBe(0);
});

test('the default run folder follows the highest number', async () => {
  const parent = join(toy.folder, 'runs');
  expect(freeFolder(parent, 'shop.yaml')).toBe(join(parent, 'shop-1'));
  for (const name of ['shop-1', 'shop-10', 'shop-x', 'shopping-99'])
    await mkdir(join(parent, name), { recursive: true });
  expect(freeFolder(parent, 'shop.yaml')).toBe(join(parent, 'shop-11'));
});

test('publish writes versions, lists them, moves between them and refuses what it cannot do', async () => {
  const store = join(toy.folder, 'store');
  const one = await json('publish', run, '--to', store, '--keep', 'retrieve=7', '--budget', 'retrieve=50');
  expect(one.manifest.phases).toMatchObject([{ phase: 'retrieve', model: 'dssm', keep: 7, budgetMs: 50 }]);
  const two = await json('publish', run, run, '--to', store);
  expect(two.manifest.phases.map(({ phase }: { phase: string }) => phase)).toEqual(['retrieve', 'rank']);
  expect(two.pointer).toEqual({ format: 1, current: two.id, previous: [one.id] });
  expect((await json('publish', '--rollback', '--to', store)).current).toBe(one.id);
  expect((await json('publish', '--use', two.id, '--share', '0.2', '--to', store)).trial).toEqual({
    version: two.id,
    share: 0.2,
  });
  const { stdout } = await twotower('publish', '--list', '--to', store);
  expect(stdout).toMatch(new RegExp(`${one.id} +80\\.0 % .* retrieve dssm 7 `));
  expect(stdout).toMatch(new RegExp(`${two.id} +20\\.0 % .* retrieve dssm 500, rank dssm 20 `));
  for (const [args, message] of [
    [['--to', store], 'there is no run to publish'],
    [[run, run, run, run, '--to', store], 'at most three'],
    [[run, '--rank', run, '--retrieve', run, '--to', store], 'two runs are to retrieve'],
    [[run, '--keep', 'rank=3', '--to', store], 'there is no run to rank'],
    [[run, '--keep', 'retrieve=0', '--to', store], '--keep retrieve=0'],
    [[run, '--share', '1', '--to', store], 'above 0 and below 1'],
    [['--use', 'nothing', '--to', store], 'has no version "nothing"'],
  ] as const) {
    const { code, stderr } = await twotower('publish', ...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  }
});
