import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorCode, TwoTowerError } from '../errors.js';
import { buffersOf } from './batch-memory.js';
import { type BatchRecipe, BatchSource, type PreparedBatch } from './batch-source.js';

/** What the worker is asked for; the memory that comes along is not needed any more. */
export interface BatchRequest {
  step: number;
  done: ArrayBuffer[];
}

/** What the worker answers. */
export type BatchReply = { step: number; batch: PreparedBatch } | { step: number; message: string; code?: ErrorCode };

const source = new BatchSource(workerData as BatchRecipe);

parentPort!.on('message', ({ step }: BatchRequest) => {
  try {
    const batch = source.prepare(step);
    parentPort!.postMessage({ step, batch } satisfies BatchReply, buffersOf(batch));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof TwoTowerError ? { code: error.code } : {};
    parentPort!.postMessage({ step, message, ...code } satisfies BatchReply);
  }
});
