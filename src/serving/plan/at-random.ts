import type { Random } from '../../random.js';
import { momentsOf, paced } from './paced.js';
import { type Shot, Wire } from './wire.js';

/** More than there ever are under way. */
const CONNECTIONS = 256;

/** What requests took that came at random, and what sending them took. */
export interface RandomLoad {
  perSecond: number;
  /** Milliseconds from sending to the last byte of the answer, in the order in which they were sent. */
  times: Float64Array;
  /** Processor milliseconds of this process for a request. */
  clientMs: number;
  /** Requests that were not answered with 200, which count for nothing else. */
  refused: number;
}

/**
 * Requests that arrive at random (Poisson). A moment that is missed by a little is as random as before, so latency counts from when a
 * request is sent.
 */
export async function atRandom(
  url: URL,
  shots: readonly Shot[],
  perSecond: number,
  seconds: number,
  random: Random,
): Promise<RandomLoad> {
  const wire = new Wire(url, CONNECTIONS);
  const moments = momentsOf(perSecond, Math.ceil(perSecond * seconds), random);
  const own = process.cpuUsage();
  const times = new Array<number | undefined>(moments.length);
  let refused = 0;
  let sent = 0;
  const pending: Promise<void>[] = [];
  await paced(moments, 0, () => {
    const started = performance.now();
    const at = sent++;
    pending.push(
      wire.send(shots[at % shots.length]!).then(({ status }) => {
        if (status === 200) times[at] = performance.now() - started;
        else refused++;
      }),
    );
  });
  await Promise.all(pending);
  const { user, system } = process.cpuUsage(own);
  wire.close();
  return {
    perSecond,
    times: Float64Array.from(times.filter((time): time is number => time !== undefined)),
    clientMs: (user + system) / 1000 / sent,
    refused,
  };
}

/** Parts of a load, of which the middle one counts: something else on the machine may stop all threads during one of them. */
const SPELLS = 5;

/** The times of each part of a load, in the order of the parts, the shortest time first. */
export function spellsOf({ times }: RandomLoad): Float64Array[] {
  const each = Math.ceil(times.length / SPELLS);
  const spells = Array.from({ length: SPELLS }, (_, i) => times.slice(i * each, (i + 1) * each).sort());
  return spells.filter(({ length }) => length > 0);
}

/** What so large a share of the requests of the middle spell exceeded, in milliseconds. */
export function exceededBy(share: number, spells: readonly Float64Array[]): number {
  const found = spells.map((times) => times[Math.floor((1 - share) * times.length)]!);
  return found.sort((a, b) => a - b)[found.length >> 1]!;
}
