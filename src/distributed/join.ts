import { availableParallelism, cpus } from 'node:os';
import { ALONE, type Ranks } from './ranks.js';

/**
 * The ranks that this process was started as one of by `mpirun`; by itself where it was not. Only then is MPI loaded. The ranks of
 * one machine share its cores, unless TWOTOWER_THREADS says otherwise.
 *
 * @throws TRAIN_RANKS where MPI cannot be loaded
 */
export async function joinRanks(env: NodeJS.ProcessEnv = process.env): Promise<Ranks> {
  if (!(Number(env.OMPI_COMM_WORLD_SIZE) > 1)) return ALONE;
  env.TWOTOWER_THREADS ??= String(threadsOf(Number(env.OMPI_COMM_WORLD_LOCAL_SIZE) || 1));
  const { openMpi } = await import('./mpi.js');
  return openMpi();
}

/** Threads of one of `neighbours` ranks on this machine; mpirun may have bound it to some cores. */
function threadsOf(neighbours: number): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpus().length / neighbours)));
}
