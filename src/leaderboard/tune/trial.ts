import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import { writeFileAtomic } from '../../files.js';
import { checkSameData } from '../../runs/data.js';
import type { RunEvent } from '../../runs/events.js';
import { holdsRun, RUN_FILES, readRun } from '../../runs/folder.js';
import { trainRun } from '../../runs/train.js';
import { sameConfig } from '../cell.js';
import { curveOf } from '../measured.js';
import { removeUnbegun } from '../unbegun.js';
import type { Proposal } from './propose.js';

/** How far a trial has come. */
export interface TrialState {
  /** The deciding metric at each validation so far. */
  values: number[];
  /** Trained to its end. */
  ended: boolean;
  /** Why it cannot be trained: it diverged, or its options do not fit the data. */
  failed?: string;
}

const STATE = 'trial.json';

/**
 * Trains a trial until it has had so many validations, or to its end, and never asks about the test part: it is stopped before.
 * What it has had before is not repeated.
 *
 * @throws RUN_INTERRUPTED when `signal` asked for it; RUN_INVALID where the folder holds another trial
 */
export async function advanceTrial(
  { config, number }: Proposal,
  folder: string,
  until: number | undefined,
  dataset: Dataset,
  { onEvent = () => {}, signal }: { onEvent?: (event: RunEvent) => void; signal?: AbortSignal | undefined },
): Promise<TrialState> {
  const enough = until ?? Number.POSITIVE_INFINITY;
  const resume = holdsRun(folder);
  if (resume) await checkSameTrial();
  else if (!existsSync(join(folder, STATE))) await removeUnbegun(folder);
  const before = await readState(folder);
  if (before !== undefined && (before.ended || before.failed !== undefined || before.values.length >= enough))
    return before;
  const metric = config.training.validation.metric;
  let validations = resume ? (await valuesOf(folder, metric)).length : 0;
  let ended = false;
  const stop = new AbortController();
  const passOn = () => stop.abort();
  signal?.addEventListener('abort', passOn, { once: true });
  if (signal?.aborted) stop.abort();
  let failed: string | undefined;
  try {
    await trainRun(config, {
      out: folder,
      resume,
      dataset,
      signal: stop.signal,
      onEvent(event) {
        onEvent(event);
        if (event.type !== 'validation') return;
        validations++;
        ended = event.finished;
        if (ended || validations >= enough) stop.abort();
      },
    });
    ended = true;
  } catch (error) {
    if (!(error instanceof TwoTowerError) || signal?.aborted) throw error;
    if (error.code === 'TRAIN_DIVERGED' || error.code === 'MODEL_OPTIONS') failed = error.message.split('\n')[0]!;
    else if (error.code !== 'RUN_INTERRUPTED') throw error;
  } finally {
    signal?.removeEventListener('abort', passOn);
  }
  const values = await valuesOf(folder, metric);
  const state: TrialState = { values, ended, ...(failed !== undefined && { failed }) };
  await writeFileAtomic(join(folder, STATE), `${JSON.stringify(state)}\n`);
  return state;

  async function checkSameTrial(): Promise<void> {
    const { config: was, record } = await readRun(folder);
    checkSameData(folder, record.dataHash, dataset);
    if (sameConfig(was, config)) return;
    throw new TwoTowerError(
      'RUN_INVALID',
      `${folder} holds another trial ${number}: configuration, search space or seed have changed`,
      'Name another --out.',
    );
  }
}

async function readState(folder: string): Promise<TrialState | undefined> {
  if (!existsSync(join(folder, STATE))) return undefined;
  return JSON.parse(await readFile(join(folder, STATE), 'utf8'));
}

/** The metric at each validation that the run has written down. */
async function valuesOf(folder: string, metric: string): Promise<number[]> {
  const file = join(folder, RUN_FILES.metrics);
  if (!existsSync(file)) return [];
  return curveOf(await readFile(file, 'utf8')).flatMap(({ validation }) => {
    const value = validation?.[metric];
    return value === undefined || value === null ? [] : [value];
  });
}
