import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Random } from '../../random.js';

const READY_MS = 100;

/** In milliseconds, from `began` by the clock that all threads share. */
interface Schedule {
  began: number;
  moments: Float64Array;
  /** It sleeps no shorter: moments that lie closer together may be told of together. */
  shortest: number;
}

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
  // From its text: a thread cannot be given a file where these sources are run as they are.
  const pacer = new Worker(`(${tellMoments})()`, { eval: true });
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

/** Says when moments have come, and how many; then ends. All there is of its thread: it may use nothing from outside itself. */
function tellMoments(): void {
  const { parentPort } = require('node:worker_threads') as typeof import('node:worker_threads');
  const now = () => Number(process.hrtime.bigint()) / 1e6;
  const sleeping = new Int32Array(new SharedArrayBuffer(4));
  parentPort!.once('message', ({ began, moments, shortest }: Schedule) => {
    for (let told = 0; told < moments.length; ) {
      const left = began + moments[told]! - now();
      if (left > 0) Atomics.wait(sleeping, 0, 0, Math.max(left, shortest));
      const passed = now() - began;
      let due = told;
      while (due < moments.length && moments[due]! <= passed) due++;
      if (due > told) parentPort!.postMessage(due - told);
      told = due;
    }
  });
}
