import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Random } from '../src/random.js';

/** Milliseconds from the start at which `total` requests are due: evenly spaced, or at random (Poisson). */
export function momentsOf(perSecond: number, total: number, random?: Random): Float64Array {
  let due = 0;
  return Float64Array.from({ length: total }, () => {
    due += (1000 / perSecond) * (random === undefined ? 1 : -Math.log(1 - random.uniform()));
    return due;
  });
}

/**
 * Calls `send` at each of the moments, with that moment by `performance.now()`. A thread of its own sleeps until then: it takes next to nothing of the cores, which the server
 * shares, where looking at the clock all the time would take one of them whole.
 */
export async function paced(moments: Float64Array, send: (due: number) => void): Promise<void> {
  const pacer = new Worker(new URL('./pacer.js', import.meta.url));
  await once(pacer, 'online');
  let sent = 0;
  // A moment for the thread to get ready.
  const began = Number(process.hrtime.bigint()) / 1e6 + 100;
  const here = performance.now() + 100;
  pacer.on('message', (count: number) => {
    for (let i = 0; i < count; i++) send(here + moments[sent++]!);
  });
  pacer.postMessage({ began, moments });
  await once(pacer, 'exit');
}
