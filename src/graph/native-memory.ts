import { MessageChannel } from 'node:worker_threads';

// Memory of arrays that come and go with every run, megabytes each, of which V8 and the C library know little.

/** Takes what is sent through it, and nobody is there to get it. */
const { port1: nowhere } = new MessageChannel();
nowhere.close();

/** Bytes; the C library of GNU looks at blocks up to 32 MiB. */
const LARGE = 30 << 20;

/**
 * Frees the memory of arrays that nobody uses any more at once; they are empty then. Left to the garbage collector, many megabytes a
 * second have V8 pass over the whole heap again and again, with four threads of its own beside the one that waits.
 */
export function discard(buffers: readonly ArrayBuffer[]): void {
  if (buffers.length > 0) nowhere.postMessage(undefined, [...buffers]);
}

/**
 * Has this process keep what it frees, up to some 60 MB, for what it asks for next. The C library of GNU keeps twice the largest block
 * that was ever freed, and returns to the system what is more; each page of it costs a fault when it is there again. Nothing changes
 * with other libraries.
 */
export function keepFreedMemory(): void {
  discard([new ArrayBuffer(LARGE)]);
}
