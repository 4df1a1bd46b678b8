import type { PreparedBatch } from './batch-source.js';

/** The memory of a batch, each piece once, to be handed over. */
export function buffersOf({ feeds, events }: PreparedBatch): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>([events.buffer as ArrayBuffer]);
  for (const { data } of Object.values(feeds)) buffers.add(data.buffer as ArrayBuffer);
  return [...buffers];
}
