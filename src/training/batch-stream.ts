import { Worker } from 'node:worker_threads';
import { shareDataset, shared, shareSamples, shareVectors, withoutNames } from '../data/share.js';
import { TwoTowerError } from '../errors.js';
import { buffersOf } from './batch-memory.js';
import { type BatchRecipe, BatchSource, type PreparedBatch } from './batch-source.js';
import type { BatchReply, BatchRequest } from './batch-worker.js';

/** Batches in the order of their steps. */
export interface BatchStream {
  /** The batch of a step. The one before is not usable any more. */
  take(step: number): Promise<PreparedBatch>;
  close(): Promise<void>;
}

/** Where the worker's code is: a file and its arguments. */
export interface WorkerEntry {
  file: URL;
  argv?: string[];
}

/** Batches that are prepared ahead: one that is about to be used, and one more. */
const AHEAD = 2;

/**
 * Prepares batches in a worker thread while the calling thread is busy with ONNX Runtime. Moves the dataset's arrays into
 * shared memory; feeds are handed over without a copy.
 */
export function streamFromWorker(recipe: BatchRecipe, totalSteps: number, entry: WorkerEntry): BatchStream {
  shareDataset(recipe.dataset);
  const workerData: BatchRecipe = {
    ...recipe,
    dataset: withoutNames(recipe.dataset),
    samples: recipe.samples && shareSamples(recipe.samples),
    teacher: recipe.teacher && shared(recipe.teacher),
    vectors: recipe.vectors && shareVectors(recipe.vectors),
  };
  const worker = new Worker(entry.file, { workerData, ...(entry.argv && { argv: entry.argv }) });
  const waiting = new Map<number, { promise: Promise<PreparedBatch>; settle: (reply: BatchReply) => void }>();
  let failure: Error | undefined;
  let taken: PreparedBatch | undefined;

  const request = (step: number) => {
    let settle: (reply: BatchReply) => void = () => {};
    const promise = new Promise<PreparedBatch>((resolve, reject) => {
      settle = (reply) => ('batch' in reply ? resolve(reply.batch) : reject(errorOf(reply)));
    });
    // A batch that nobody takes any more must not end the process when it fails.
    promise.catch(() => {});
    waiting.set(step, { promise, settle });
    // Memory that is given back is out of the sight of this thread's garbage collector, which would pass over the heap every few
    // steps to find it unused.
    const done = taken === undefined ? [] : buffersOf(taken);
    taken = undefined;
    worker.postMessage({ step, done } satisfies BatchRequest, done);
  };
  worker.on('message', (reply: BatchReply) => waiting.get(reply.step)?.settle(reply));
  worker.on('error', (error: Error) => {
    failure = error;
    for (const [step, { settle }] of waiting) settle({ step, message: error.message });
  });
  worker.unref();

  return {
    async take(step) {
      if (failure !== undefined) throw failure;
      for (const known of waiting.keys()) if (known < step || known >= step + AHEAD) waiting.delete(known);
      for (let next = step; next < Math.min(step + AHEAD, totalSteps); next++) if (!waiting.has(next)) request(next);
      worker.ref();
      try {
        taken = await waiting.get(step)!.promise;
        return taken;
      } finally {
        worker.unref();
        waiting.delete(step);
      }
    },
    async close() {
      await worker.terminate();
    },
  };
}

/** Prepares each batch when it is asked for, on the calling thread. */
export function streamFromHere(recipe: BatchRecipe): BatchStream {
  const source = new BatchSource(recipe);
  return { take: async (step) => source.prepare(step), close: async () => {} };
}

/** A worker where the code is compiled; TypeScript sources, as in tests, cannot be loaded by one. */
export function openStream(recipe: BatchRecipe, totalSteps: number): BatchStream {
  const file = new URL('./batch-worker.js', import.meta.url);
  return import.meta.url.endsWith('.js') ? streamFromWorker(recipe, totalSteps, { file }) : streamFromHere(recipe);
}

function errorOf(reply: Exclude<BatchReply, { batch: PreparedBatch }>): Error {
  return reply.code === undefined ? new Error(reply.message) : new TwoTowerError(reply.code, reply.message);
}
