import { parentPort } from 'node:worker_threads';

/** Moments that lie closer together than so many milliseconds may be told of together. */
const SHORTEST = 0.5;

/** Milliseconds by the clock that all threads share. */
const now = () => Number(process.hrtime.bigint()) / 1e6;

// Says when moments have come, and how many; then ends.
const sleeping = new Int32Array(new SharedArrayBuffer(4));
parentPort!.once('message', ({ began, moments }: { began: number; moments: Float64Array }) => {
  for (let told = 0; told < moments.length; ) {
    const left = began + moments[told]! - now();
    if (left > 0) Atomics.wait(sleeping, 0, 0, Math.max(left, SHORTEST));
    const passed = now() - began;
    let due = told;
    while (due < moments.length && moments[due]! <= passed) due++;
    if (due > told) parentPort!.postMessage(due - told);
    told = due;
  }
});
