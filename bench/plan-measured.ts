import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Random } from '../src/random.js';
import { atRandom, exceededBy, spellsOf } from '../src/serving/plan/at-random.js';
import { capacity } from '../src/serving/plan/load.js';
import { spawnServer } from '../src/serving/plan/spawn.js';
import { median, type Shot, saturated } from './serve-load.js';

/** What is predicted and measured of a server. */
export interface Figures {
  /** Requests a second with every connection asking at once. */
  perSecond: number;
  /** Processor milliseconds of a request, in the server. */
  cpuMs: number;
  memoryBytes: number;
  /** Of requests that arrive at random, at each of `LOADS`. */
  latencies: Latency[];
}

export interface Latency {
  mean: number;
  /** What 99 of 100 did not exceed, in the middle one of some spells. */
  p99: number;
}

/** Requests at random as they were sent. */
export interface Sent {
  perSecond: number;
  /** Processor milliseconds that the client took for each. */
  clientMs: number;
  refused: number;
}

export interface Measured {
  figures: Figures;
  /** Processor milliseconds that the client takes for a request with every connection asking. */
  clientMs: number;
  /** At each of `LOADS`. */
  sent: Sent[];
}

interface Question {
  store: string;
  shots: readonly Shot[];
  /** What `capacity` takes of a prediction. */
  request: Parameters<typeof capacity>[0];
  cores: number;
  workers: number;
}

const CONNECTIONS = 8;
/** Until then a server is interpreted and compiled; and what its processor time is the mean of. */
const REQUESTS = { warmUp: 8_000, saturated: 3_000 };
const SECONDS = { saturated: 5, latency: 15 };
/** Shares of the predicted throughput at which latency is measured. */
export const LOADS = [0.2, 0.4, 0.6];

/** Requests a second that a server answers beside its client, which asks on the same cores: its part of them is not the server's. */
export const most = ({ request, cores, workers }: Omit<Question, 'store' | 'shots'>, clientMs: number) =>
  capacity(request, cores, workers, clientMs).value;

/**
 * A server under load, and what the load itself took of the machine's processors for each request. The client is a thread of its own:
 * collecting the garbage of a process that has done much else takes as long as twenty requests, and they would wait for it.
 */
export async function measured(question: Question): Promise<Measured> {
  const client = new Worker(new URL(import.meta.url), { workerData: question });
  const [found] = (await once(client, 'message')) as [Measured];
  await client.terminate();
  return found;
}

if (!isMainThread) parentPort!.postMessage(await measure(workerData as Question));

async function measure(question: Question): Promise<Measured> {
  const { store, shots } = question;
  const server = await spawnServer(fileURLToPath(new URL('../src/cli/main.js', import.meta.url)), store);
  try {
    for (let sent = 0; sent < REQUESTS.warmUp; ) sent += await saturated(server.url, shots, CONNECTIONS, 1);
    const before = await metricsOf(server.url);
    const own = process.cpuUsage();
    const slices: number[] = [];
    let requests = 0;
    while (requests < REQUESTS.saturated || slices.length < SECONDS.saturated) {
      slices.push(await saturated(server.url, shots, CONNECTIONS, 1));
      requests += slices.at(-1)!;
    }
    const { user, system } = process.cpuUsage(own);
    const after = await metricsOf(server.url);
    const clientMs = (user + system) / 1000 / requests;
    const latencies: Latency[] = [];
    const sent: Sent[] = [];
    for (const share of LOADS) {
      const rate = share * most(question, clientMs);
      const load = await atRandom(new URL(server.url), shots, rate, SECONDS.latency, Random.of(1, 'arrivals'));
      latencies.push({
        mean: load.times.reduce((sum, time) => sum + time, 0) / load.times.length,
        p99: exceededBy(0.01, spellsOf(load)),
      });
      sent.push({ perSecond: rate, clientMs: load.clientMs, refused: load.refused });
    }
    // As long as others wait and garbage lies about it takes more than at first.
    const { memoryBytes } = await metricsOf(server.url);
    const cpuMs = (after.cpuMs - before.cpuMs) / requests;
    return { figures: { perSecond: median(slices), cpuMs, memoryBytes, latencies }, clientMs, sent };
  } finally {
    await server.stop();
  }
}

async function metricsOf(url: string): Promise<{ cpuMs: number; memoryBytes: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (metric: string) => Number(new RegExp(`^${metric} (\\S+)`, 'm').exec(text)?.[1]);
  return { cpuMs: 1000 * value('process_cpu_seconds_total'), memoryBytes: value('process_resident_memory_bytes') };
}
