import { Worker } from 'node:worker_threads';
import type { Dataset } from '../../data/dataset.js';
import { shareDataset } from '../../data/share.js';
import { type ErrorCode, TwoTowerError } from '../../errors.js';
import type { RunEvent } from '../../runs/events.js';
import { doJob, type Job, type JobOptions, type ResultOf } from './job.js';

/** Does one job at a time. */
export interface Lane {
  do<J extends Job>(job: J, options: JobOptions): Promise<ResultOf<J>>;
  close(): Promise<void>;
}

/** Where the worker's code is: a file and its arguments. */
export interface WorkerEntry {
  file: URL;
  argv?: string[];
}

export type ToWorker = { type: 'do'; job: Job } | { type: 'stop' } | { type: 'close' };

export type FromWorker =
  | { type: 'event'; event: RunEvent }
  | { type: 'done'; result: unknown }
  | { type: 'failed'; message: string; code?: ErrorCode; remedy?: string | undefined };

/** On the calling thread. */
export function laneHere(dataset: Dataset): Lane {
  return { do: (job, options) => doJob(job, dataset, options), close: async () => {} };
}

/** In a worker thread, which sees the dataset's arrays in shared memory. */
export function laneInWorker(dataset: Dataset, entry: WorkerEntry): Lane {
  shareDataset(dataset);
  const worker = new Worker(entry.file, { workerData: dataset, ...(entry.argv && { argv: entry.argv }) });
  let lost: Error | undefined;
  let current: { settle: (result: unknown) => void; fail: (error: Error) => void } | undefined;
  let onEvent: JobOptions['onEvent'] = () => {};
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const lose = (error: Error) => {
    lost ??= error;
    current?.fail(lost);
  };
  const tell = (message: ToWorker) => worker.postMessage(message);
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'event') onEvent(message.event);
    else if (message.type === 'done') current?.settle(message.result);
    else current?.fail(errorOf(message));
  });
  worker.on('error', lose);
  worker.on('exit', (code) => lose(new Error(`a training thread ended with code ${code}`)));

  return {
    async do<J extends Job>(job: J, options: JobOptions): Promise<ResultOf<J>> {
      if (lost !== undefined) throw lost;
      onEvent = options.onEvent;
      const stop = () => tell({ type: 'stop' });
      try {
        return await new Promise<ResultOf<J>>((settle, fail) => {
          current = { settle: settle as (result: unknown) => void, fail };
          tell({ type: 'do', job });
          if (options.signal.aborted) stop();
          else options.signal.addEventListener('abort', stop, { once: true });
        });
      } finally {
        current = undefined;
        options.signal.removeEventListener('abort', stop);
      }
    },
    async close() {
      // Not terminated: ONNX Runtime's sessions are let go by the thread that holds them.
      tell({ type: 'close' });
      await ended;
    },
  };
}

function errorOf({ message, code, remedy }: Extract<FromWorker, { type: 'failed' }>): Error {
  if (code === undefined) return new Error(message);
  // The message of such an error ends with its remedy.
  return new TwoTowerError(code, remedy === undefined ? message : message.slice(0, -`\n  ${remedy}`.length), remedy);
}
