/** As in Linux' `sched.h`. */
const SCHED_IDLE = 5;

/**
 * Lets the calling thread run only in time that no other thread wants, and gives way to one that wakes at once: a lower priority
 * alone lets it end its slice of 3 to 4 ms first. Threads that it starts are like it, and there may be no way back.
 *
 * @returns false where that cannot be had: elsewhere than on Linux, without koffi, or where it is not allowed
 */
export async function giveWay(): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  try {
    const { default: koffi } = await import('koffi');
    const setScheduler = koffi.load(null).func('int sched_setscheduler(int thread, int policy, const int *priority)');
    return setScheduler(0, SCHED_IDLE, new Int32Array(1)) === 0;
  } catch {
    return false;
  }
}
