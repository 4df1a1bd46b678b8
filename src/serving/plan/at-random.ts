import type { Random } from '../../random.js';
import { momentsOf, paced } from './paced.js';
import { type Shot, Wire } from './wire.js';

/** More than there ever are under way. */
const CONNECTIONS = 256;

/** What requests took that came at random, and what sending them took. */
export interface RandomLoad {
  perSecond: number;
  /** Milliseconds from sending to the last byte of the answer, the shortest first. */
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
  const times: number[] = [];
  let refused = 0;
  let sent = 0;
  const pending: Promise<void>[] = [];
  await paced(moments, 0, () => {
    const started = performance.now();
    pending.push(
      wire.send(shots[sent++ % shots.length]!).then(({ status }) => {
        if (status === 200) times.push(performance.now() - started);
        else refused++;
      }),
    );
  });
  await Promise.all(pending);
  const { user, system } = process.cpuUsage(own);
  wire.close();
  return { perSecond, times: Float64Array.from(times).sort(), clientMs: (user + system) / 1000 / sent, refused };
}
