import type { Dataset } from '../../data/dataset.js';
import type { RunEvent } from '../../runs/events.js';
import { type Cell, fillCell } from '../cell.js';
import type { Proposal } from '../tune/propose.js';
import { advanceTrial, type TrialState } from '../tune/trial.js';

/** What trains by itself, next to others: plain data, so that any thread can do it. */
export type Job = CellJob | TrialJob;

export interface CellJob {
  type: 'cell';
  cell: Cell;
}

export interface TrialJob {
  type: 'trial';
  trial: Proposal;
  folder: string;
  /** Validations after which it is paused; its end unless given. */
  until: number | undefined;
}

export interface JobOptions {
  onEvent: (event: RunEvent) => void;
  signal: AbortSignal;
}

/** What became of a job. A cell is read from its folder. */
export type ResultOf<J extends Job> = J extends CellJob ? undefined : TrialState;

/** Does a job; what it leaves behind is in its folder. @throws what `fillCell` and `advanceTrial` do */
export async function doJob<J extends Job>(job: J, dataset: Dataset, options: JobOptions): Promise<ResultOf<J>>;
export async function doJob(job: Job, dataset: Dataset, options: JobOptions): Promise<TrialState | undefined> {
  if (job.type === 'trial') return advanceTrial(job.trial, job.folder, job.until, dataset, options);
  await fillCell(job.cell, { dataset, ...options });
  return undefined;
}
