import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Random } from '../src/random.js';
import { fire, keepAlive, type Shot } from '../src/serving/plan/client.js';

/** More than there ever are under way. */
const CONNECTIONS = 256;

/** What requests took that came at random, and what sending them took. */
export interface RandomLoad {
  /** Milliseconds from sending to the last byte of the answer. */
  mean: number;
  p99: number;
  /** Processor milliseconds of this process for a request. */
  clientMs: number;
  /** Requests that were not answered with 200, which count for nothing else. */
  refused: number;
}

/**
 * Requests that arrive at random (Poisson). A thread of its own sleeps until each is due: it takes next to nothing of the cores, which
 * the server shares, where looking at the clock all the time would take one of them whole. A moment that is missed by a little is as
 * random as before, so latency counts from when a request is sent.
 */
export async function atRandom(
  url: string,
  shots: readonly Shot[],
  perSecond: number,
  seconds: number,
  random: Random,
): Promise<RandomLoad> {
  const agent = keepAlive(CONNECTIONS);
  const target = new URL(url);
  let due = 0;
  const moments = Float64Array.from({ length: Math.round(perSecond * seconds) }, () => {
    due += (-1000 / perSecond) * Math.log(1 - random.uniform());
    return due;
  });
  const pacer = new Worker(new URL('./plan-pacer.js', import.meta.url));
  await once(pacer, 'online');
  const own = process.cpuUsage();
  const times: number[] = [];
  let refused = 0;
  let sent = 0;
  const pending: Promise<void>[] = [];
  pacer.on('message', () => {
    const started = performance.now();
    pending.push(
      fire(agent, target, shots[sent++ % shots.length]!).then(({ status }) => {
        if (status === 200) times.push(performance.now() - started);
        else refused++;
      }),
    );
  });
  pacer.postMessage(moments);
  await once(pacer, 'exit');
  await Promise.all(pending);
  const { user, system } = process.cpuUsage(own);
  agent.destroy();
  const sorted = Float64Array.from(times).sort();
  return {
    mean: times.reduce((a, b) => a + b, 0) / times.length,
    p99: sorted[Math.floor(0.99 * sorted.length)]!,
    clientMs: (user + system) / 1000 / sent,
    refused,
  };
}
