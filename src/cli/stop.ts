import type { Output } from './output.js';

/**
 * Does something that can be stopped: Ctrl-C (or SIGTERM) asks it to stop when it can be resumed, a second Ctrl-C ends the process at once.
 *
 * @param onStop called before the user is told, such as to end a live line
 */
export async function stopOnSignal<T>(
  output: Output,
  work: (signal: AbortSignal) => Promise<T>,
  onStop: () => void = () => {},
): Promise<T> {
  const stop = new AbortController();
  const onSignal = () => {
    onStop();
    output.note('stopping when the run can be resumed; press Ctrl-C again to stop at once');
    process.removeListener('SIGINT', onSignal);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await work(stop.signal);
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}
