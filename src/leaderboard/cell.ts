import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Dataset } from '../data/dataset.js';
import { TwoTowerError } from '../errors.js';
import type { Outcomes } from '../evaluation/user-statistics.js';
import { writeFileAtomic } from '../files.js';
import type { RunConfig } from '../runs/config.js';
import { checkSameData } from '../runs/data.js';
import type { RunEvent } from '../runs/events.js';
import { holdsRun, readRun } from '../runs/folder.js';
import { trainRun } from '../runs/train.js';
import { keepMeasured, MEASURED, type Measured, measuredOf, readMeasured, type Untimed } from './measured.js';
import { removeUnbegun } from './unbegun.js';

const DIVERGED = 'diverged.txt';

/** One model, one seed, one protocol: trained and measured in a run folder of its own. */
export interface Cell {
  protocol: string;
  model: string;
  seed: number;
  config: RunConfig;
  folder: string;
}

export interface CellOptions {
  dataset: Dataset;
  onEvent?: (event: RunEvent) => void;
  signal?: AbortSignal | undefined;
}

/** What became of a cell: what was measured, or why there is nothing to measure. */
export type CellResult = { measured: Measured; outcomes: Outcomes } | { diverged: string };
/** The same before times were measured. */
export type UntimedResult = { measured: Untimed; outcomes: Outcomes } | { diverged: string };

/** Where each table's cells lie below a leaderboard's folder. */
export function cellFolder(out: string, protocol: string, model: string, seed: number): string {
  return join(out, 'cells', protocol, model, `seed-${seed}`);
}

/**
 * What is there of a cell; undefined where it is not finished.
 *
 * @throws RUN_INVALID where the folder holds a run with another configuration or on other data
 */
export async function readCell(cell: Cell, dataset: Dataset): Promise<UntimedResult | undefined> {
  const { folder } = cell;
  if (existsSync(join(folder, MEASURED))) {
    await checkSameCell(cell, dataset);
    return readMeasured(folder, dataset);
  }
  if (!existsSync(join(folder, DIVERGED))) return undefined;
  await checkSameCell(cell, dataset);
  return { diverged: await readFile(join(folder, DIVERGED), 'utf8') };
}

/**
 * Trains and measures a cell, times left out; then `readCell` finds it. A run that was interrupted goes on. Training that diverges
 * is a result too, and the same one every time.
 *
 * @throws RUN_INVALID where the folder holds a run with another configuration or on other data; RUN_INTERRUPTED
 */
export async function fillCell(cell: Cell, { dataset, onEvent, signal }: CellOptions): Promise<void> {
  const { folder, config } = cell;
  const resume = holdsRun(folder);
  if (resume) await checkSameCell(cell, dataset);
  else await removeUnbegun(folder);
  let outcomes: Outcomes | undefined;
  const onOutcomes = (given: Outcomes) => {
    outcomes = given;
  };
  try {
    const options = { out: folder, resume, dataset, onOutcomes };
    await trainRun(config, { ...options, ...(onEvent && { onEvent }), ...(signal && { signal }) });
  } catch (error) {
    if (!(error instanceof TwoTowerError) || error.code !== 'TRAIN_DIVERGED') throw error;
    return writeFileAtomic(join(folder, DIVERGED), error.message);
  }
  await keepMeasured(folder, await measuredOf(folder), outcomes!);
}

async function checkSameCell({ folder, config }: Cell, dataset: Dataset): Promise<void> {
  const { config: before, record } = await readRun(folder);
  checkSameData(folder, record.dataHash, dataset);
  if (sameConfig(before, config)) return;
  throw new TwoTowerError(
    'RUN_INVALID',
    `${folder} was trained with another configuration than the leaderboard now names`,
    'Name another --out, or remove this folder to train it anew.',
  );
}

/** Whether two configurations train the same; where the data lies and threads may differ. */
export function sameConfig(a: RunConfig, b: RunConfig): boolean {
  const told = ({ data, threads: _, ...rest }: RunConfig) => ({ ...rest, maxBadRows: data.maxBadRows });
  // As in a file: keys without a value are not there.
  const plain = (value: RunConfig) => JSON.parse(JSON.stringify(told(value)));
  return isDeepStrictEqual(plain(a), plain(b));
}
