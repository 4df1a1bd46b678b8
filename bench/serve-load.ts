import type { Random } from '../src/random.js';
import { fire, keepAlive, type Shot } from '../src/serving/plan/client.js';

export { fire, keepAlive, type Shot };

export interface Latencies {
  /** Milliseconds. */
  mean: number;
  p50: number;
  p99: number;
  max: number;
  /** Requests that were answered with 200, with something else, and those that were not answered. */
  ok: number;
  refused: number;
  failed: number;
}

/**
 * Requests at a fixed rate, whether or not the server keeps up. Latency counts from the moment at which a request was due: a
 * server that stands still for a while is charged for everybody who waited.
 *
 * @param random draws the moments, as those of many independent clients would be (Poisson); evenly spaced unless given
 */
export async function atRate(
  url: string,
  shots: readonly Shot[],
  perSecond: number,
  seconds: number,
  random?: Random,
): Promise<Latencies> {
  const agent = keepAlive(512);
  const target = new URL(url);
  const times: number[] = [];
  const counts = { ok: 0, refused: 0, failed: 0 };
  const started = performance.now();
  const total = Math.round(perSecond * seconds);
  const pending: Promise<void>[] = [];
  let due = started;
  for (let i = 0; i < total; i++) {
    due += (1000 / perSecond) * (random === undefined ? 1 : -Math.log(1 - random.uniform()));
    const moment = due;
    await until(moment);
    pending.push(
      fire(agent, target, shots[i % shots.length]!).then(({ status }) => {
        times.push(performance.now() - moment);
        counts[status === 200 ? 'ok' : status === 0 ? 'failed' : 'refused']++;
      }),
    );
  }
  await Promise.all(pending);
  agent.destroy();
  return { ...percentiles(times), ...counts };
}

/** A timer is late by up to so many milliseconds, always by as many at an even rate: that is no time of the server's. */
const TIMER_MS = 1.5;

/** What is due already goes at once. The last moments are spent looking at the clock, between two looks at the sockets. */
async function until(moment: number): Promise<void> {
  const wait = moment - performance.now() - TIMER_MS;
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  while (performance.now() < moment) await new Promise((resolve) => setImmediate(resolve));
}

/** Requests over so many connections, each sending its next one when the last was answered. @returns answers per second */
export async function saturated(
  url: string,
  shots: readonly Shot[],
  connections: number,
  seconds: number,
): Promise<number> {
  const agent = keepAlive(connections);
  const target = new URL(url);
  const end = performance.now() + 1000 * seconds;
  let answered = 0;
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let i = connection; performance.now() < end; i++) {
        if ((await fire(agent, target, shots[i % shots.length]!)).status === 200) answered++;
      }
    }),
  );
  agent.destroy();
  return answered / seconds;
}

export function line(what: string, { p50, p99, ok, refused, failed }: Latencies): void {
  console.log(
    `${what.padEnd(44)} p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ${ok} ok ${refused} refused ${failed} failed`,
  );
}

export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

export function percentiles(times: number[]): Pick<Latencies, 'mean' | 'p50' | 'p99' | 'max'> {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { mean: times.reduce((a, b) => a + b, 0) / times.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
