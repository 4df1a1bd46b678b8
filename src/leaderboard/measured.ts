import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { TwoTowerError } from '../errors.js';
import { labelsOf } from '../evaluation/evaluate.js';
import type { EvaluationJson } from '../evaluation/report.js';
import { compactUsers, type Outcomes } from '../evaluation/user-statistics.js';
import { writeFileAtomic, writeFolderAtomic } from '../files.js';
import type { RunConfig } from '../runs/config.js';
import type { Environment } from '../runs/environment.js';
import { RUN_FILES } from '../runs/folder.js';
import { inspectRun, type PartCost } from '../runs/inspect.js';
import { openRun } from '../runs/open.js';
import { readSafetensors, writeSafetensors } from '../training/safetensors.js';
import { type Latency, measureLatency } from './latency.js';

/** Folder in a run folder with what a leaderboard measured: there or not, never in part. */
export const MEASURED = 'measured';
const FILES = { record: 'measured.json', outcomes: 'outcomes.safetensors' } as const;
/** Beside that folder: times are measured later, when nothing else is under way. */
const LATENCY = 'latency.json';

/** One validation of a run, or one report of its training loss. */
export interface CurvePoint {
  step: number;
  epoch: number;
  loss?: number;
  /** Metrics on the validation part. */
  validation?: Record<string, number | null>;
}

/** What is known about one run of a table. */
export interface Measured {
  seed: number;
  model: RunConfig['model'];
  bestStep: number;
  samplesPerSecond: number | null;
  parameters: number;
  /** By part: `item` per item, `user` per request, `score` per candidate. */
  cost: Record<string, PartCost>;
  latency: Latency;
  curve: CurvePoint[];
  validation: EvaluationJson;
  test: EvaluationJson;
  environment: Environment;
}

/** The same before times were measured. */
export type Untimed = Omit<Measured, 'latency'> & Partial<Pick<Measured, 'latency'>>;

const TIMED_REQUESTS = 50;

/** What a finished run found on the test part, and what its model costs, but for times. */
export async function measuredOf(folder: string): Promise<Untimed> {
  const run = await openRun(folder);
  try {
    const { parameters, cost } = inspectRun(run);
    const { samplesPerSecond, validation, test } = JSON.parse(
      await readFile(join(folder, RUN_FILES.evaluation), 'utf8'),
    );
    return {
      seed: run.config.training.seed,
      model: run.config.model,
      bestStep: run.step,
      samplesPerSecond,
      parameters: parameters.total,
      cost,
      curve: curveOf(await readFile(join(folder, RUN_FILES.metrics), 'utf8')),
      validation,
      test,
      environment: run.record.environment,
    };
  } finally {
    await run.release();
  }
}

/** Measures how long requests take and keeps it in the run folder. To be called when nothing else is under way. */
export async function timeRun(folder: string, dataset: Dataset): Promise<Latency> {
  const run = await openRun(folder);
  try {
    const latency = await measureLatency(run.inference, dataset, spacedOut(dataset.splits.test, TIMED_REQUESTS));
    await writeFileAtomic(join(folder, LATENCY), `${JSON.stringify(latency, null, 2)}\n`);
    return latency;
  } finally {
    await run.release();
  }
}

/** Keeps it in the run folder, with the scores and ranks that the figures were computed from. */
export async function keepMeasured(folder: string, measured: Untimed, { logits, ranks }: Outcomes): Promise<void> {
  await writeFolderAtomic(join(folder, MEASURED), async (temporary) => {
    await writeFile(join(temporary, FILES.record), `${JSON.stringify(measured, null, 2)}\n`);
    await writeSafetensors(join(temporary, FILES.outcomes), [
      ['logits', { data: logits, shape: [logits.length] }],
      ...(ranks ? [['ranks', { data: ranks, shape: [ranks.length] }] as const] : []),
    ]);
  });
}

/** What was kept; labels and users are those of the dataset, which must be the one it was measured on. */
export async function readMeasured(
  folder: string,
  dataset: Dataset,
): Promise<{ measured: Untimed; outcomes: Outcomes }> {
  const record = join(folder, MEASURED, FILES.record);
  const times = join(folder, LATENCY);
  const rows = dataset.splits.test;
  try {
    const { tensors } = await readSafetensors(join(folder, MEASURED, FILES.outcomes));
    const logits = tensors.get('logits')!.data as Float32Array;
    const ranks = tensors.get('ranks')?.data as Float64Array | undefined;
    if (logits.length !== rows.length) throw new RangeError(`${logits.length} scores for ${rows.length} exposures`);
    const labels = labelsOf(dataset, rows);
    const users = compactUsers(Int32Array.from(rows, (row) => dataset.events.user[row]!));
    const latency = existsSync(times) ? { latency: JSON.parse(await readFile(times, 'utf8')) } : {};
    return {
      measured: { ...JSON.parse(await readFile(record, 'utf8')), ...latency },
      outcomes: { logits, labels, ...users, ...(ranks && { ranks }) },
    };
  } catch (cause) {
    throw new TwoTowerError(
      'RUN_INVALID',
      `${join(folder, MEASURED)} cannot be read: ${(cause as Error).message.split('\n')[0]}`,
      'Remove it; the run is then measured again.',
    );
  }
}

/** `metrics.jsonl` as points: losses between validations, and validations. */
export function curveOf(text: string): CurvePoint[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const { type, step, epoch, loss, ...rest } = JSON.parse(line);
    return type === 'validation' ? { step, epoch, validation: rest } : { step, epoch, loss };
  });
}

/** That many rows, evenly spaced over all; all where there are fewer. */
function spacedOut(rows: Uint32Array, count: number): Uint32Array {
  const taken = Math.min(count, rows.length);
  return Uint32Array.from({ length: taken }, (_, i) => rows[Math.floor((i * rows.length) / taken)]!);
}
