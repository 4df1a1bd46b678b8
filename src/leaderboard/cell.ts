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
import { keepMeasured, MEASURED, type Measured, measureRun, readMeasured } from './measured.js';
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
  /** Whether the protocol ranks all items. */
  corpus: boolean;
  onEvent?: (event: RunEvent) => void;
  signal?: AbortSignal | undefined;
}

/** What became of a cell: what was measured, or why there is nothing to measure. */
export type CellResult = { measured: Measured; outcomes: Outcomes } | { diverged: string };

/** Where each table's cells lie below a leaderboard's folder. */
export function cellFolder(out: string, protocol: string, model: string, seed: number): string {
  return join(out, 'cells', protocol, model, `seed-${seed}`);
}

/**
 * Trains and measures a cell, or reads what is there. A run that was interrupted goes on. Training that diverges is a result too,
 * and the same one every time.
 *
 * @throws RUN_INVALID where the folder holds a run with another configuration or on other data; RUN_INTERRUPTED
 */
export async function fillCell(cell: Cell, options: CellOptions): Promise<CellResult & { kept: boolean }> {
  const { dataset, corpus, onEvent, signal } = options;
  const { folder, config } = cell;
  if (existsSync(join(folder, MEASURED))) {
    await checkSameCell(cell, dataset);
    const found = await readMeasured(folder, dataset);
    // Measured for a protocol that ranked nothing: measured again below, trained it is.
    if (!corpus || found.outcomes.ranks !== undefined) return { ...found, kept: true };
  }
  if (existsSync(join(folder, DIVERGED))) {
    await checkSameCell(cell, dataset);
    return { diverged: await readFile(join(folder, DIVERGED), 'utf8'), kept: true };
  }
  const resume = holdsRun(folder);
  if (resume) await checkSameCell(cell, dataset);
  else await removeUnbegun(folder);
  try {
    await trainRun(config, { out: folder, resume, dataset, ...(onEvent && { onEvent }), ...(signal && { signal }) });
  } catch (error) {
    if (!(error instanceof TwoTowerError) || error.code !== 'TRAIN_DIVERGED') throw error;
    await writeFileAtomic(join(folder, DIVERGED), error.message);
    return { diverged: error.message, kept: false };
  }
  const found = await measureRun(folder, dataset, corpus, (done) =>
    onEvent?.({ type: 'evaluating', split: 'test', done }),
  );
  await keepMeasured(folder, found);
  return { ...found, kept: false };
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
