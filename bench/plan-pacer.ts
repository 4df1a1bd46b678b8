import { parentPort } from 'node:worker_threads';

// Says at each of the moments it is given, in milliseconds from now, that it has come; then ends.
const sleeping = new Int32Array(new SharedArrayBuffer(4));
parentPort!.once('message', (moments: Float64Array) => {
  const started = performance.now();
  for (const moment of moments) {
    const left = moment - (performance.now() - started);
    if (left > 0) Atomics.wait(sleeping, 0, 0, left);
    parentPort!.postMessage(undefined);
  }
});
