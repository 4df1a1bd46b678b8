import type { Dataset } from '../data/dataset.js';
import { TwoTowerError } from '../errors.js';
import type { RunEvent } from '../runs/events.js';
import { type Cell, type CellResult, readCell, type UntimedResult } from './cell.js';
import { timeRun } from './measured.js';
import { doJobs } from './parallel/do-jobs.js';
import type { CellJob } from './parallel/job.js';

export type FillEvent =
  | { type: 'begin'; cell: Cell }
  | { type: 'run'; cell: Cell; event: RunEvent }
  | { type: 'end'; cell: Cell; result: UntimedResult; kept: boolean; seconds: number }
  | { type: 'timing'; cell: Cell };

export interface FillOptions {
  dataset: Dataset;
  parallel: number;
  onEvent: (event: FillEvent) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Trains and measures the cells of one table, several at a time; what is finished is kept. Requests are timed afterwards, one cell
 * after the other, so that no training disturbs them.
 *
 * @returns results in the order of the cells
 */
export async function fillCells(cells: readonly Cell[], options: FillOptions): Promise<CellResult[]> {
  const { dataset, parallel, onEvent, signal } = options;
  const results = new Map<Cell, UntimedResult>();
  const jobs: CellJob[] = [];
  for (const cell of cells) {
    const result = await readCell(cell, dataset);
    if (result === undefined) jobs.push({ type: 'cell', cell });
    else {
      results.set(cell, result);
      onEvent({ type: 'end', cell, result, kept: true, seconds: 0 });
    }
  }
  await doJobs(jobs, dataset, {
    parallel,
    onBegin: ({ cell }) => onEvent({ type: 'begin', cell }),
    onEvent: ({ cell }, event) => onEvent({ type: 'run', cell, event }),
    async onEnd({ cell }, _, seconds) {
      const result = (await readCell(cell, dataset))!;
      results.set(cell, result);
      onEvent({ type: 'end', cell, result, kept: false, seconds });
    },
    signal,
  });
  const timed: CellResult[] = [];
  for (const cell of cells) timed.push(await time(cell, results.get(cell)!));
  return timed;

  async function time(cell: Cell, result: UntimedResult): Promise<CellResult> {
    if ('diverged' in result) return result;
    const { measured, outcomes } = result;
    const { latency } = measured;
    if (latency !== undefined) return { measured: { ...measured, latency }, outcomes };
    if (signal?.aborted) throw new TwoTowerError('RUN_INTERRUPTED', 'stopped before requests were timed');
    onEvent({ type: 'timing', cell });
    return { measured: { ...measured, latency: await timeRun(cell.folder, dataset) }, outcomes };
  }
}
