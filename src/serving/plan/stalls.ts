import { exceededBy } from './at-random.js';
import { exceeding, type Part, type Wait } from './queue.js';

/** A request's way through threads that do not stand still. */
export interface Moving {
  /** Of the request: outside the phases, and in them. */
  parts: [outside: Part, phases: Part];
  /** Waiting for the thread that speaks HTTP, and for a worker. */
  service: Wait;
  worker: Wait;
  /** Share of the time in which the busiest kind of threads has something to do, up to 1. */
  busiest: number;
}

/**
 * Waiting for a thread that stands still, because it collects garbage or has no core. What came meanwhile is worked off at
 * 1 − ρ, so that a request meets a standstill's trace with the chance ρ · share / (1 − ρ); waits are exponential.
 *
 * @param busiest ρ, up to 1
 */
export function standstill(busiest: number, stallMs: number, stallShare: number): Wait {
  const chance = busiest >= 1 ? 1 : Math.min(1, (busiest * stallShare) / (1 - busiest));
  if (stallMs === 0 || chance === 0) return { utilisation: busiest, chance: 0, mean: 0, rate: Infinity };
  return { utilisation: busiest, chance, mean: chance * stallMs, rate: 1 / stallMs };
}

/** Shares of the requests that are late, and that are latest. */
const LATE = 0.03;
const LATEST = 0.01;
/** By how much standing still may be longer than the latest are later than the late. */
const MOST_LONGER = 3;
const ROUNDS = 20;

/**
 * What stands still, from what requests took under load: how long and how often so that as many are late, and as many latest, as there
 * were. Were all of these late because something stood still, an exponential time of mean d would be exceeded three times as rarely
 * d ln 3 later; some are late for others that came before them, and d is longer.
 *
 * @param spells times of requests under the same load, the shortest first, spell by spell
 * @param way theirs, without anything that stands still
 */
export function stallsOf(spells: readonly Float64Array[], { parts, service, worker, busiest }: Moving) {
  const [late, latest] = [exceededBy(LATE, spells), exceededBy(LATEST, spells)];
  const least = (latest - late) / Math.log(LATE / LATEST);
  const later = (stallMs: number, chance: number) => {
    const stalled = { utilisation: busiest, chance, mean: chance * stallMs, rate: 1 / stallMs };
    return exceeding(parts, [service, worker, stalled]);
  };
  if (least <= 0 || busiest >= 1 || later(least, 0)(latest) >= LATEST) return { stallMs: 0, stallShare: 0 };
  const chanceOf = (stallMs: number) => halved(0, 1, (chance) => later(stallMs, chance)(latest) < LATEST);
  const stallMs = halved(least, MOST_LONGER * least, (ms) => later(ms, chanceOf(ms))(late) > LATE);
  return { stallMs, stallShare: (chanceOf(stallMs) * (1 - busiest)) / busiest };
}

/** Where between two numbers something ends to be true. */
function halved(low: number, high: number, isTrue: (value: number) => boolean): number {
  for (let round = 0; round < ROUNDS; round++) {
    const middle = (low + high) / 2;
    if (isTrue(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
