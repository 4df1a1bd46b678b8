import { parentPort } from 'node:worker_threads';

/** In milliseconds, from `began` by the clock that all threads share. */
export interface Schedule {
  began: number;
  moments: Float64Array;
  /** It sleeps no shorter: moments that lie closer together may be told of together. */
  shortest: number;
}

/** Milliseconds by the clock that all threads share. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

// Says when moments have come, and how many; then ends.
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
