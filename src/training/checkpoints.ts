import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TwoTowerError } from '../errors.js';
import { removeAbandoned, sha256, writeFileAtomic, writeFolderAtomic } from '../files.js';
import { readSafetensors, type StoredTensor, writeSafetensors } from './safetensors.js';

/**
 * A folder of checkpoints:
 *
 *     step-00001234/tensors.safetensors    every array
 *     step-00001234/state.json             the rest, with the SHA-256 of the arrays' file and of itself
 *     best.json                            which step to use in the end
 *
 * A step appears whole or not at all, and one that was altered afterwards is refused.
 */
export interface Checkpoint {
  step: number;
  tensors: ReadonlyMap<string, StoredTensor>;
  /** Everything that is not an array, such as where the search for the best step stands. */
  state: Json;
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Writes `checkpoint` and then removes older ones beyond the newest `keep`, except the best one. Later steps in the
 * folder are removed too: they belong to a future that was given up when training went back to this one.
 * The arrays must not change before the promise resolves.
 */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint, keep = 2): Promise<void> {
  const { step, tensors, state } = checkpoint;
  await writeFolderAtomic(join(folder, nameOf(step)), async (temporary) => {
    const tensorsSha256 = await writeSafetensors(join(temporary, 'tensors.safetensors'), tensors);
    const content = JSON.stringify({ format: 1, step, tensorsSha256, state }, refuseNonFinite);
    await writeFile(join(temporary, 'state.json'), `${content.slice(0, -1)},"sha256":"${digest(content)}"}\n`);
  });
  const best = await bestStep(folder);
  const steps = await listCheckpoints(folder);
  const kept = new Set(steps.filter((other) => other <= step).slice(-Math.max(1, keep)));
  for (const other of steps) {
    if (!kept.has(other) && other !== best) await rm(join(folder, nameOf(other)), { recursive: true });
  }
  // A training that was killed leaves half-written names of its own, which nothing may write again for a long time.
  await removeAbandoned(folder);
}

/** The steps present, ascending, whether intact or not; none when the folder does not exist. */
export async function listCheckpoints(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(emptyIfMissing);
  return names
    .map((name) => /^step-(\d{8,})$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Reads one step; CHECKPOINT_DAMAGED names the file and both checksums when it is not what was written. */
export async function loadCheckpoint(folder: string, step: number): Promise<Checkpoint> {
  const stateFile = join(folder, nameOf(step), 'state.json');
  const tensorsFile = join(folder, nameOf(step), 'tensors.safetensors');
  const content = parseState(await readFile(stateFile, 'utf8').catch(rethrowMissing(stateFile)), stateFile);
  if (content.step !== step) throw damaged(stateFile, `it is of step ${content.step}`);
  const found = await sha256(tensorsFile).catch(rethrowMissing(tensorsFile));
  if (found !== content.tensorsSha256) {
    throw damaged(tensorsFile, `its SHA-256 is ${found}, ${content.tensorsSha256} was written`);
  }
  const { tensors } = await readSafetensors(tensorsFile);
  return { step, tensors, state: content.state };
}

/**
 * The newest intact checkpoint. Each damaged one passed over on the way is told to `warn`.
 * RUN_INVALID when there is none at all, CHECKPOINT_DAMAGED when none is intact.
 */
export async function loadLatest(folder: string, warn: (error: TwoTowerError) => void): Promise<Checkpoint> {
  const steps = await listCheckpoints(folder);
  if (steps.length === 0) {
    throw new TwoTowerError(
      'RUN_INVALID',
      `there is no checkpoint in ${folder}`,
      'Train until the first one is written (training.checkpointEvery), or copy the run folder whole.',
    );
  }
  for (const step of steps.reverse()) {
    try {
      return await loadCheckpoint(folder, step);
    } catch (error) {
      if (!(error instanceof TwoTowerError)) throw error;
      warn(error);
    }
  }
  throw new TwoTowerError(
    'CHECKPOINT_DAMAGED',
    `none of the ${steps.length} checkpoints in ${folder} is intact`,
    'train again without --resume',
  );
}

/** Points `best.json` at a step, which is then never removed. */
export async function markBest(folder: string, step: number): Promise<void> {
  await writeFileAtomic(join(folder, 'best.json'), `${JSON.stringify({ step })}\n`);
}

/** The step `best.json` points at, or undefined when there is none. */
export async function bestStep(folder: string): Promise<number | undefined> {
  const file = join(folder, 'best.json');
  const text = await readFile(file, 'utf8').catch(undefinedIfMissing);
  if (text === undefined) return undefined;
  const step = /^\{"step":(\d+)\}\n$/.exec(text)?.[1];
  if (step === undefined) throw damaged(file, 'it names no step');
  return Number(step);
}

interface SavedState {
  step: number;
  tensorsSha256: string;
  state: Json;
}

/** The checksum is of the text in front of it, not of the values: another last digit may give the same number. */
function parseState(text: string, file: string): SavedState {
  const match = /^(.*),"sha256":"([0-9a-f]{64})"\}\n$/s.exec(text);
  if (match === null) throw damaged(file, 'it does not end with its SHA-256');
  const [, body, written] = match;
  const found = digest(`${body}}`);
  if (found !== written) throw damaged(file, `the SHA-256 of its content is ${found}, ${written} was written`);
  return JSON.parse(text);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON would turn NaN and infinity into null, and a resumed run would not be the run that was saved. */
function refuseNonFinite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`state "${key}" is ${value}`);
  return value;
}

function nameOf(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

function damaged(file: string, what: string): TwoTowerError {
  return new TwoTowerError('CHECKPOINT_DAMAGED', `${file} is damaged: ${what}`);
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function rethrowMissing(file: string): (error: unknown) => never {
  return (error) => {
    throw isMissing(error) ? new TwoTowerError('CHECKPOINT_DAMAGED', `${file} is missing`) : error;
  };
}

function emptyIfMissing(error: unknown): string[] {
  if (isMissing(error)) return [];
  throw error;
}

function undefinedIfMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
