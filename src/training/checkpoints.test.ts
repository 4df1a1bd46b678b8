import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TwoTowerError } from '../errors.js';
import { Random } from '../random.js';
import { killAfter, spawnModule } from '../testing/child.js';
import { temporaryFolder } from '../testing/folder.js';
import {
  bestStep,
  type Checkpoint,
  listCheckpoints,
  loadCheckpoint,
  loadLatest,
  markBest,
  saveCheckpoint,
} from './checkpoints.js';

const checkpoint = (step: number): Checkpoint => ({
  step,
  tensors: new Map([
    ['user/table', { data: Float32Array.of(step, 0.1, -0), shape: [3, 1] }],
    ['adam/step', { data: Int32Array.of(step), shape: [] }],
  ]),
  state: { epoch: 2, loss: 0.1 + 0.2, history: [1, null, 'x'], '10': true },
});

const noWarning = (error: TwoTowerError) => {
  throw error;
};

async function folderWith(...steps: number[]): Promise<string> {
  const folder = join(await temporaryFolder(), 'checkpoints');
  for (const step of steps) await saveCheckpoint(folder, checkpoint(step), steps.length);
  return folder;
}

/** Loads the newest and returns its step and what was told about the others. */
async function newest(folder: string): Promise<{ step: number; warnings: string[] }> {
  const warnings: string[] = [];
  const { step } = await loadLatest(folder, (error) => {
    expect(error.code).toBe('CHECKPOINT_DAMAGED');
    warnings.push(error.message);
  });
  return { step, warnings };
}

const tensorsOf = (folder: string, step: number) => join(folder, `step-0000000${step}`, 'tensors.safetensors');
const stateOf = (folder: string, step: number) => join(folder, `step-0000000${step}`, 'state.json');

test('what is saved is loaded, and the same content gives the same bytes', async () => {
  const folder = await folderWith(7);
  expect(await loadLatest(folder, noWarning)).toEqual(checkpoint(7));
  const twin = await folderWith(7);
  for (const file of [tensorsOf, stateOf])
    expect(await readFile(file(twin, 7))).toEqual(await readFile(file(folder, 7)));
});

test('a state with NaN is refused and leaves nothing behind', async () => {
  const folder = await folderWith(1);
  const state = { metrics: { best: Number.NaN } };
  await expect(saveCheckpoint(folder, { ...checkpoint(2), state })).rejects.toThrow('"best" is NaN');
  expect(await readdir(folder)).toEqual(['step-00000001']);
});

describe('which checkpoints stay', () => {
  test('the newest two, in order of their numbers', async () => {
    const folder = join(await temporaryFolder(), 'checkpoints');
    for (const step of [8, 9, 10, 123_456_789]) await saveCheckpoint(folder, checkpoint(step));
    expect(await listCheckpoints(folder)).toEqual([10, 123_456_789]);
  });

  test('the best one, however old', async () => {
    const folder = await folderWith(1);
    await markBest(folder, 1);
    for (const step of [2, 3, 4]) await saveCheckpoint(folder, checkpoint(step));
    expect(await listCheckpoints(folder)).toEqual([1, 3, 4]);
    await markBest(folder, 4);
    await saveCheckpoint(folder, checkpoint(5));
    expect(await listCheckpoints(folder)).toEqual([4, 5]);
    expect(await bestStep(folder)).toBe(4);
  });

  test('a step saved anew replaces the old one, and later steps go', async () => {
    const folder = await folderWith(1, 2, 3);
    await truncate(tensorsOf(folder, 3));
    await saveCheckpoint(folder, { ...checkpoint(2), state: 'again' }, 1);
    expect(await listCheckpoints(folder)).toEqual([2]);
    expect((await loadLatest(folder, noWarning)).state).toBe('again');
  });
});

describe('the one before is used when the newest', () => {
  test('has a truncated tensors file', async () => {
    const folder = await folderWith(1, 2);
    await truncate(tensorsOf(folder, 2), 100);
    const { step, warnings } = await newest(folder);
    expect(step).toBe(1);
    expect(warnings).toEqual([expect.stringContaining(tensorsOf(folder, 2))]);
    expect(warnings[0]).toMatch(/SHA-256 is [0-9a-f]{64}, [0-9a-f]{64} was written/);
  });

  test('has a truncated state file, at any length', async () => {
    const folder = await folderWith(1, 2);
    const whole = await readFile(stateOf(folder, 2));
    for (let length = 0; length < whole.length; length++) {
      await writeFile(stateOf(folder, 2), whole.subarray(0, length));
      const { step, warnings } = await newest(folder);
      expect(step).toBe(1);
      expect(warnings).toEqual([expect.stringContaining(stateOf(folder, 2))]);
    }
  });

  test.each(Object.entries({ tensorsOf, stateOf }))('has a flipped bit anywhere (%s)', async (_, file) => {
    const folder = await folderWith(1, 2);
    const whole = await readFile(file(folder, 2));
    const random = Random.of(1, 'flips');
    for (let trial = 0; trial < 80; trial++) {
      const flipped = Buffer.from(whole);
      flipped[random.below(whole.length)]! ^= 1 << random.below(8);
      await writeFile(file(folder, 2), flipped);
      const { step, warnings } = await newest(folder);
      expect(step).toBe(1);
      expect(warnings).toEqual([expect.stringContaining(file(folder, 2))]);
    }
  });

  test.each(Object.entries({ tensorsOf, stateOf }))('lacks a file (%s)', async (_, file) => {
    const folder = await folderWith(1, 2);
    await rm(file(folder, 2));
    const { step, warnings } = await newest(folder);
    expect(step).toBe(1);
    expect(warnings).toEqual([`${file(folder, 2)} is missing`]);
  });

  test('is another step under a wrong name', async () => {
    const folder = await folderWith(1);
    await cp(join(folder, 'step-00000001'), join(folder, 'step-00000002'), { recursive: true });
    expect(await newest(folder)).toEqual({ step: 1, warnings: [expect.stringContaining('it is of step 1')] });
  });
});

test('without an intact checkpoint there is an error that says which case it is', async () => {
  const folder = await folderWith(1, 2);
  for (const step of [1, 2]) await truncate(tensorsOf(folder, step), 10);
  const warnings: string[] = [];
  await expect(loadLatest(folder, (error) => warnings.push(error.message))).rejects.toMatchObject({
    code: 'CHECKPOINT_DAMAGED',
    message: expect.stringContaining('none of the 2 checkpoints'),
  });
  expect(warnings).toHaveLength(2);
  await expect(loadLatest(join(folder, 'nowhere'), noWarning)).rejects.toMatchObject({
    code: 'RUN_INVALID',
    message: expect.stringContaining('copy the run folder whole'),
  });
});

test('best.json that names no step is refused by name', async () => {
  const folder = await folderWith(1);
  expect(await bestStep(folder)).toBeUndefined();
  for (const content of ['', '{"step":"1"}', '{"step":1', 'null']) {
    await writeFile(join(folder, 'best.json'), content);
    await expect(bestStep(folder)).rejects.toThrow(join(folder, 'best.json'));
  }
});

test('a checkpoint takes away what killed training left half-written, whatever its name', async () => {
  const folder = await folderWith(1);
  const dead = spawnModule(new URL('testing/write-checkpoints.ts', import.meta.url), join(folder, 'other'));
  await killAfter(dead, 0);
  for (const name of ['best.json', 'step-00000007'])
    await writeFile(join(folder, `.${name}.${dead.pid}-3.partial`), '');
  await saveCheckpoint(folder, checkpoint(2));
  expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
});

test('training killed while it writes leaves a folder that loads', async () => {
  const folder = join(await temporaryFolder(), 'checkpoints');
  const random = Random.of(2, 'kills');
  let last = 0;
  for (let round = 0; round < 4; round++) {
    await killAfter(spawnModule(new URL('testing/write-checkpoints.ts', import.meta.url), folder), random.below(60));
    const { step, tensors, state } = await loadLatest(folder, noWarning);
    expect(step).toBeGreaterThan(last);
    expect(state).toEqual({ step });
    expect(tensors.get('table')!.data.every((value) => value === step)).toBe(true);
    const best = await bestStep(folder);
    if (best !== undefined) expect((await loadCheckpoint(folder, best)).step).toBe(best);
    last = step;
  }
  await saveCheckpoint(folder, checkpoint(last + 1));
  expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
});
