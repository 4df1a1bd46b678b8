import type { Dataset } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import type { RunEvent } from '../../runs/events.js';
import type { Job, ResultOf } from './job.js';
import { type Lane, laneHere, laneInWorker, type WorkerEntry } from './lane.js';

export interface JobsOptions<J extends Job> {
  /** How many are done at a time. */
  parallel: number;
  onBegin: (job: J) => void;
  onEvent: (job: J, event: RunEvent) => void;
  onEnd: (job: J, result: ResultOf<J>, seconds: number) => void | Promise<void>;
  /** When aborted, ends with RUN_INTERRUPTED once all that is under way can be resumed. */
  signal?: AbortSignal | undefined;
  /** Code of the worker threads, instead of the compiled file beside this one. */
  entry?: WorkerEntry | undefined;
}

/**
 * Does jobs, several at a time, begun in their order. Each is done as it would be alone: what it leaves behind is the same bytes. If
 * one fails, the others are stopped where they can be resumed, and its error is thrown.
 *
 * @returns results in the order of the jobs
 */
export async function doJobs<J extends Job>(
  jobs: readonly J[],
  dataset: Dataset,
  { parallel, onBegin, onEvent, onEnd, signal, entry = compiledEntry() }: JobsOptions<J>,
): Promise<ResultOf<J>[]> {
  const results: ResultOf<J>[] = [];
  const failures: unknown[] = [];
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) stop.abort();
  const count = Math.min(parallel, jobs.length);
  const openLane = (): Lane => (count > 1 && entry !== undefined ? laneInWorker(dataset, entry) : laneHere(dataset));
  let next = 0;
  const work = async () => {
    const lane = openLane();
    try {
      while (next < jobs.length && failures.length === 0) {
        const at = next++;
        const job = jobs[at]!;
        onBegin(job);
        const begun = performance.now();
        const result = await lane.do(job, { onEvent: (event) => onEvent(job, event), signal: stop.signal });
        results[at] = result;
        await onEnd(job, result, (performance.now() - begun) / 1e3);
      }
    } catch (error) {
      failures.push(error);
      stop.abort();
    } finally {
      await lane.close();
    }
  };
  try {
    await Promise.all(Array.from({ length: count }, work));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  if (failures.length === 0) return results;
  throw failures.find((error) => !isInterruption(error)) ?? interrupted(failures[0] as TwoTowerError);
}

/** Those that failed after another are only told to stop. */
function isInterruption(error: unknown): boolean {
  return error instanceof TwoTowerError && error.code === 'RUN_INTERRUPTED';
}

/** The error of a single run tells how to resume that run. */
function interrupted({ message }: TwoTowerError): TwoTowerError {
  return new TwoTowerError('RUN_INTERRUPTED', message.split('\n')[0]!, 'The same command goes on from there.');
}

/** TypeScript sources, as in tests, cannot be loaded by a worker on Node 20: there all lanes are on the calling thread. */
function compiledEntry(): WorkerEntry | undefined {
  return import.meta.url.endsWith('.js') ? { file: new URL('./worker.js', import.meta.url) } : undefined;
}
