import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../files.js';
import { openRun } from '../runs/open.js';
import { killAfter, spawnModule } from '../testing/child.js';
import { temporaryFolder } from '../testing/folder.js';
import { readSafetensors, writeSafetensors } from '../training/safetensors.js';
import { PhaseEncoding } from './engine/encoding.js';
import { openEngine } from './engine/engine.js';
import { PhaseRunner } from './engine/phase-runner.js';
import { loadVersion } from './engine/version.js';
import { type Manifest, readManifest } from './manifest.js';
import { type Published, publish } from './publish.js';
import { describeStore, listVersions, readPointer, rollBack, useVersion, versionFolder } from './store.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from './testing/toy-store.js';
import { verifyScores } from './verify.js';
import { verifyFiles } from './verify-files.js';

let toy: ToyRuns;
let store: string;
let first: Published;

beforeAll(async () => {
  toy = await toyRuns('retrieve', 'prerank');
  store = join(toy.folder, 'store');
  first = await publish({ store, phases: toy.plans });
}, TOY_TIMEOUT);
afterAll(() => toy.remove());

/** A copy of the first version. */
async function copy(): Promise<string> {
  const folder = join(await temporaryFolder(), 'version');
  await cp(first.folder, folder, { recursive: true });
  return folder;
}

/** Replaces a file of a version and puts its new checksum in the manifest, as an attacker or a bug would. */
async function replace(folder: string, name: string, write: (file: string) => Promise<unknown>): Promise<void> {
  const file = join(folder, name);
  await write(file);
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  manifest.files[name] = { bytes: (await readFile(file)).length, sha256: await sha256(file) };
  await writeFile(path, JSON.stringify(manifest));
}

test('a version holds what its manifest says, was compared with its runs, and is current', async () => {
  const { manifest, pointer, verified } = first;
  expect(verified.pairs).toBe(2 * 8 * 41);
  expect(verified.largestDifference).toBeLessThanOrEqual(1e-5);
  expect(pointer).toEqual({ format: 1, current: first.id, previous: [] });
  expect(await readManifest(first.folder)).toEqual(manifest);
  await verifyFiles(first.folder, manifest);
  expect(manifest).toMatchObject({ items: 40, users: 60, keyColumns: { user: 'user_id', item: 'item_id' } });
  expect(manifest.phases.map(({ phase, model, keep }) => [phase, model, keep])).toEqual([
    ['retrieve', 'dssm', 20],
    ['prerank', 'ranktower', 10],
  ]);
  expect(manifest.phases[0]!.metrics.auc).toBeGreaterThan(0);
  const files = (await readdir(first.folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  expect(files.length).toBe(Object.keys(manifest.files).length + 1);
});

test.each<[string, RegExp, (folder: string) => Promise<unknown>]>([
  ['a missing file', /incomplete: users\.safetensors is missing/, (folder) => rm(join(folder, 'users.safetensors'))],
  ['a truncated file', /score\.onnx has 10 bytes/, (folder) => truncate(join(folder, 'retrieve/score.onnx'), 10)],
  [
    'an altered file',
    /items\.safetensors is damaged: its checksum/,
    async (folder) => {
      const file = join(folder, 'prerank/items.safetensors');
      const bytes = await readFile(file);
      bytes[bytes.length - 3]! ^= 1;
      await writeFile(file, bytes);
    },
  ],
  ['no manifest', /is no version: it has no manifest\.json/, (folder) => rm(join(folder, 'manifest.json'))],
  ['half a manifest', /manifest\.json is damaged/, (folder) => truncate(join(folder, 'manifest.json'), 100)],
  [
    'another manifest',
    /manifest\.json: format: 1 is another/,
    (folder) => writeFile(join(folder, 'manifest.json'), '{"format": 1}'),
  ],
  [
    'a file that is no graph',
    /user\.onnx cannot be opened/,
    (folder) => replace(folder, 'retrieve/user.onnx', (file) => writeFile(file, 'no graph')),
  ],
  [
    'the graph of another model',
    /score\.onnx has the tensors/,
    (folder) => replace(folder, 'retrieve/score.onnx', (file) => cp(join(folder, 'prerank/score.onnx'), file)),
  ],
  [
    'weights that are not numbers',
    /items\.safetensors: item\.vector holds NaN/,
    (folder) =>
      replace(folder, 'retrieve/items.safetensors', async (file) => {
        const { tensors } = await readSafetensors(file);
        tensors.get('item.vector')!.data[5] = Number.NaN;
        await writeSafetensors(file, tensors);
      }),
  ],
  [
    'states of another catalogue',
    /item\.vector has 3 rows, the catalogue 41/,
    (folder) =>
      replace(folder, 'retrieve/items.safetensors', (file) =>
        writeSafetensors(file, [['item.vector', { data: new Float32Array(15), shape: [3, 5] }]]),
      ),
  ],
])('%s is refused by name', async (_, message, damage) => {
  const folder = await copy();
  await damage(folder);
  const error = await openEngine(folder, { workers: 0 }).catch((cause) => cause);
  expect(error).toMatchObject({ code: 'SERVING_STORE', message: expect.stringMatching(message) });
});

test('scores other than those of the run are told', async () => {
  const other = await openRun(toy.runs.prerank!);
  const { manifest, folder } = first;
  const one = { ...manifest, phases: manifest.phases.slice(0, 1) };
  await expect(verifyScores(folder, one, [other])).rejects.toMatchObject({
    code: 'SERVING_VERIFY',
    message: expect.stringMatching(/^retrieve: user ".*", item ".*" scores .* its run says/),
  });
  await other.release();
});

test('the pointer moves forward, to a share of the users, and back', async () => {
  const own = join(await temporaryFolder(), 'store');
  await mkdir(join(own, 'versions'), { recursive: true });
  for (const id of ['v1', 'v2', 'v3']) await cp(first.folder, versionFolder(own, id), { recursive: true });
  expect(await readPointer(own)).toBeUndefined();
  await expect(rollBack(own)).rejects.toMatchObject({ code: 'USAGE' });
  await useVersion(own, 'v1');
  expect(await useVersion(own, 'v2')).toEqual({ format: 1, current: 'v2', previous: ['v1'] });
  expect(await useVersion(own, 'v3', 0.1)).toMatchObject({ current: 'v2', trial: { version: 'v3', share: 0.1 } });
  expect((await describeStore(own)).map(({ id, share }) => [id, share])).toEqual([
    ['v1', 0],
    ['v2', 0.9],
    ['v3', 0.1],
  ]);
  expect(await rollBack(own)).toEqual({ format: 1, current: 'v2', previous: ['v1'] });
  expect(await rollBack(own)).toEqual({ format: 1, current: 'v1', previous: [] });
  await expect(rollBack(own)).rejects.toThrow('no version before');
  await expect(useVersion(own, 'v9')).rejects.toThrow('has no version "v9"');
  await expect(useVersion(own, 'v1', 0.5)).rejects.toThrow('is the current one');
  await expect(useVersion(own, 'v2', 1)).rejects.toThrow('the share is 1');
  await writeFile(join(own, 'current.json'), '{');
  await expect(readPointer(own)).rejects.toMatchObject({ code: 'SERVING_STORE' });
  expect(await useVersion(own, 'v3')).toEqual({ format: 1, current: 'v3', previous: [] });
  await expect(readPointer(join(own, 'nothing'))).rejects.toThrow('is no store');
});

test('what cannot be published leaves the store as it was', async () => {
  const before = [await readPointer(store), await readdir(join(store, 'versions'))];
  const [one] = toy.plans;
  await expect(publish({ store, phases: [] })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(publish({ store, phases: [one!, one!] })).rejects.toThrow('two runs are to retrieve');
  await expect(publish({ store, phases: [one!], data: '/nothing' })).rejects.toMatchObject({ code: 'DATA_SOURCE' });
  await expect(publish({ store, phases: [{ phase: 'rank', run: '/nothing' }] })).rejects.toMatchObject({
    code: 'RUN_INVALID',
  });
  expect([await readPointer(store), await readdir(join(store, 'versions'))]).toEqual(before);
});

test('whoever retrieves with a model that has to score everything is told', async () => {
  const own = join(await temporaryFolder(), 'store');
  const [retrieve, prerank] = toy.plans;
  const told: string[] = [];
  const warn = (message: string) => told.push(message);
  await publish({ store: own, phases: [retrieve!, prerank!], warn });
  expect(told).toEqual([]);
  await publish({ store: own, phases: [{ ...prerank!, phase: 'retrieve' }], warn });
  expect(told).toEqual([expect.stringMatching(/ranktower cannot retrieve by vectors; .* all items.*--rank/)]);
});

test(
  'a publication killed before its version is in place leaves what was served, and no rubbish after the next one',
  async () => {
    const own = join(await temporaryFolder(), 'store');
    await cp(store, own, { recursive: true });
    const module = new URL('./testing/publish-toy.ts', import.meta.url);
    // A machine in no hurry may be done before it is killed: then the new version is the one that is served.
    await killAfter(spawnModule(module, own, toy.runs.retrieve!), 0).catch(() => {});
    const { current } = (await readPointer(own))!;
    const versions = await listVersions(own);
    expect(versions).toContain(current);
    for (const one of versions) await verifyFiles(versionFolder(own, one), await readManifest(versionFolder(own, one)));
    const { id } = await publish({ store: own, phases: toy.plans.slice(0, 1) });
    expect((await readPointer(own))!.current).toBe(id);
    expect((await readdir(join(own, 'versions'))).filter((name) => name.startsWith('.'))).toEqual([]);
  },
  TOY_TIMEOUT,
);

test('budgets hold when requests are answered, and not while a version is checked', async () => {
  const folder = await copy();
  const path = join(folder, 'manifest.json');
  const manifest: Manifest = JSON.parse(await readFile(path, 'utf8'));
  for (const phase of manifest.phases) phase.budgetMs = 1e-6;
  await writeFile(path, JSON.stringify(manifest));
  const runs = await Promise.all(toy.plans.map(({ run }) => openRun(run)));
  expect((await verifyScores(folder, manifest, runs)).pairs).toBe(first.verified.pairs);
  for (const run of runs) await run.release();
  const engine = await openEngine(folder, { workers: 0 });
  const { degraded, items } = await engine.recommend({ user: 1 });
  expect(degraded).toEqual([
    {
      phase: 'prerank',
      reason: 'budget',
      detail: expect.stringMatching(/^0\.00 ms are left, 20 candidates take about /),
    },
  ]);
  expect(items.map(({ phase }) => phase)).toEqual(Array(10).fill('retrieve'));
  await engine.close();
});

test('with an approximate index the same is retrieved, also after changes', async () => {
  const own = join(await temporaryFolder(), 'store');
  const { folder, manifest } = await publish({ store: own, phases: toy.plans, index: { kind: 'hnsw' } });
  expect(manifest.phases[0]!.index!.recall).toBeGreaterThan(0.9);
  expect(Object.keys(manifest.files)).toContain('retrieve/index/manifest.json');
  const [exact, indexed] = [await openEngine(first.folder, { workers: 0 }), await openEngine(folder, { workers: 0 })];
  try {
    const compare = async () => {
      for (const user of [1, 2, 3]) {
        const ask = { user, time: 2e9, filter: { exclude: [5] } };
        expect((await indexed.recommend(ask)).items).toEqual((await exact.recommend(ask)).items);
      }
    };
    await compare();
    for (const engine of [exact, indexed]) {
      await engine.putItems(
        Array.from({ length: 100 }, (_, i) => ({ key: 30 + i, values: engine.item(i % 9)!.values })),
      );
      await engine.deleteItems([1, 100]);
    }
    await compare();
  } finally {
    await exact.close();
    await indexed.close();
  }

  // A thread that begins later loads the index as it was published, and finds the items there are now.
  const { phases, items } = await loadVersion(folder);
  const { manifest: phase, folder: phaseFolder, states, schema, encoders } = phases[0]!;
  const alive = new Uint8Array(60).fill(1, 1, 41);
  alive[3] = 0;
  alive[45] = 1;
  const { memory, stride } = states;
  new Float32Array(memory).copyWithin(45 * stride, 5 * stride, 6 * stride);
  const recipe = { phases: [{ manifest: phase, folder: phaseFolder, states }], rows: 46, alive, threads: 1 };
  const runner = await PhaseRunner.create(recipe);
  const encoding = new PhaseEncoding(phase, schema, encoders, (key) => items.values(items.rowOf(key as string)));
  const feeds = encoding.user({ user: {}, context: {}, time: 2e9, histories: {} });
  const { found } = await runner.run({
    arrived: Date.now(),
    deadline: undefined,
    phases: [{ phase: 'retrieve', user: { feeds }, keep: 60, budgetMs: undefined }],
    search: { exclude: Int32Array.of(7) },
    k: 60,
    explain: false,
  });
  const expected = [...Array(41).keys(), 45].filter((row) => row !== 0 && row !== 3 && row !== 7);
  expect([...found].sort((a, b) => a - b)).toEqual(expected);
  await runner.release();
});
