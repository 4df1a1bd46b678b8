import { availableParallelism } from 'node:os';

/** How many trainings run at a time, and the threads of each. */
export interface Shares {
  parallel: number;
  threads: number;
}

/**
 * Shares the cores out. One thread for each of several trainings gets more done than several threads in one.
 *
 * @param said 0 for either: as many trainings as there are cores, as many threads as are left to each
 * @param jobs that could run side by side at most
 * @param cores of the machine, or as many as the environment variable TWOTOWER_THREADS says
 */
export function shareCores(
  said: Shares,
  jobs: number,
  cores = Number(process.env.TWOTOWER_THREADS) || availableParallelism(),
): Shares {
  const parallel = Math.max(1, Math.min(said.parallel || cores, jobs));
  return { parallel, threads: said.threads || Math.max(1, Math.floor(cores / parallel)) };
}
