import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorCode, TwoTowerError } from '../errors.js';
import { type BatchRecipe, BatchSource, type PreparedBatch } from './batch-source.js';

/** What the worker answers to a step number. */
export type BatchReply = { step: number; batch: PreparedBatch } | { step: number; message: string; code?: ErrorCode };

const source = new BatchSource(workerData as BatchRecipe);

parentPort!.on('message', (step: number) => {
  try {
    const batch = source.prepare(step);
    parentPort!.postMessage({ step, batch } satisfies BatchReply, buffersOf(batch));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof TwoTowerError ? { code: error.code } : {};
    parentPort!.postMessage({ step, message, ...code } satisfies BatchReply);
  }
});

/** The memory of a batch, each piece once, to be handed over. */
function buffersOf({ feeds, events }: PreparedBatch): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>([events.buffer as ArrayBuffer]);
  for (const { data } of Object.values(feeds)) buffers.add(data.buffer as ArrayBuffer);
  return [...buffers];
}
