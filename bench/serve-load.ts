import { momentsOf, paced } from '../src/serving/plan/paced.js';
import { type Shot, Wire } from '../src/serving/plan/wire.js';

export type { Shot };

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
 * Under five times the load a client that wakes for each request alone takes what the server needs; latency counts from when a
 * request was due.
 */
const SHORTEST_MS = 0.5;

/**
 * Requests at a fixed rate, whether or not the server keeps up. Latency counts from the moment at which a request was due: a
 * server that stands still for a while is charged for everybody who waited.
 */
export async function atRate(
  url: string,
  shots: readonly Shot[],
  perSecond: number,
  seconds: number,
): Promise<Latencies> {
  const wire = new Wire(new URL(url), 512);
  const times: number[] = [];
  const counts = { ok: 0, refused: 0, failed: 0 };
  const pending: Promise<void>[] = [];
  let sent = 0;
  await paced(momentsOf(perSecond, Math.round(perSecond * seconds)), SHORTEST_MS, (due) => {
    pending.push(
      wire.send(shots[sent++ % shots.length]!).then(({ status }) => {
        times.push(performance.now() - due);
        counts[status === 200 ? 'ok' : status === 0 ? 'failed' : 'refused']++;
      }),
    );
  });
  await Promise.all(pending);
  wire.close();
  return { ...percentiles(times), ...counts };
}

/** Requests over so many connections, each sending its next one when the last was answered. @returns answers per second */
export async function saturated(
  url: string,
  shots: readonly Shot[],
  connections: number,
  seconds: number,
): Promise<number> {
  const wire = new Wire(new URL(url), connections);
  const end = performance.now() + 1000 * seconds;
  let answered = 0;
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (let i = connection; performance.now() < end; i++) {
        if ((await wire.send(shots[i % shots.length]!)).status === 200) answered++;
      }
    }),
  );
  wire.close();
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
