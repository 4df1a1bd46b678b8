import { type Lane, laneInWorker } from './lane.js';
import type { WorkerRecipe } from './messages.js';
import type { WorkerEntry } from './threads.js';

/** Threads that are replaced within a minute. */
const MOST_LOSSES = 5;

/**
 * So many worker threads. One that is lost is replaced: what it was doing has failed, the next requests need not.
 *
 * @param recipe what there is now, for threads that begin later
 */
export function startWorkers(recipe: () => WorkerRecipe, entry: WorkerEntry, count: number): Lane[] {
  const lanes: Lane[] = [];
  const losses: number[] = [];
  const start = (at: number): Lane =>
    laneInWorker(recipe(), entry, () => {
      const now = Date.now();
      losses.push(now);
      // One that dies again and again would only heat the machine: what is asked of it fails from then on.
      if (losses.filter((then) => now - then < 60_000).length <= MOST_LOSSES) lanes[at] = start(at);
    });
  for (let at = 0; at < count; at++) lanes.push(start(at));
  return lanes;
}
