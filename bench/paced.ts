import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Random } from '../src/random.js';
import type { Schedule } from './pacer.js';

const READY_MS = 100;

/** Milliseconds from the start at which `total` requests are due: evenly spaced, or at random (Poisson). */
export function momentsOf(perSecond: number, total: number, random?: Random): Float64Array {
  let due = 0;
  return Float64Array.from({ length: total }, () => {
    due += (1000 / perSecond) * (random === undefined ? 1 : -Math.log(1 - random.uniform()));
    return due;
  });
}

/**
 * Calls `send` at each of the moments, with that moment by `performance.now()`. A thread of its own sleeps until then: it takes next to
 * nothing of the cores, which the server shares, where looking at the clock all the time would take one of them whole.
 *
 * @param shortest milliseconds within which moments may be put together, which spares that thread where they lie close
 */
export async function paced(moments: Float64Array, shortest: number, send: (due: number) => void): Promise<void> {
  const pacer = new Worker(new URL('./pacer.js', import.meta.url));
  await once(pacer, 'online');
  let sent = 0;
  // A moment for the thread to get ready.
  const began = Number(process.hrtime.bigint()) / 1e6 + READY_MS;
  const here = performance.now() + READY_MS;
  pacer.on('message', (count: number) => {
    for (let i = 0; i < count; i++) send(here + moments[sent++]!);
  });
  const schedule: Schedule = { began, moments, shortest };
  pacer.postMessage(schedule);
  await once(pacer, 'exit');
}
