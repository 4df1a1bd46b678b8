import { TwoTowerError } from '../../errors.js';
import { Random } from '../../random.js';
import { atRandomApart } from './apart.js';
import type { RandomLoad } from './at-random.js';
import { type Shot, Wire } from './wire.js';

const CONNECTIONS = 8;

/** What one request took by the client's clock. */
export interface Timing {
  /** Milliseconds from the request to the last byte of the answer, and of these in the phases. */
  latency: number;
  phases: number;
  /** Bytes of request and answer, headers not counted. */
  bytes: number;
}

/** Processor milliseconds of the server for one request: on the thread that speaks HTTP, and of the workers. */
export interface Spent {
  service: number;
  worker: number;
}

export const together = ({ service, worker }: Spent) => service + worker;

/** Asks a server, and reads what it took. */
export interface ProbeClient {
  /** So many requests, some at a time: what one of them took, and how many were answered a second. */
  crowded(shots: readonly Shot[], count: number): Promise<Spent & { perSecond: number }>;
  /** One request after the other, each after a pause of random length with this mean; none where it is 0. */
  alone(shots: readonly Shot[], count: number, pauseMs?: number): Promise<Spent & { timings: Timing[] }>;
  /** So many seconds of requests that arrive at random. */
  atRandom(shots: readonly Shot[], perSecond: number, seconds: number): Promise<RandomLoad & Spent>;
  /** Bytes that the server holds in memory. */
  memory(): Promise<number>;
  close(): void;
}

/** What a server had taken at a moment, in milliseconds. */
interface Taken {
  cpu: number;
  service: number;
  workers: number;
}

/** @throws SERVING_STORE where the server answers with anything but 200 */
export function probeClient(address: string): ProbeClient {
  const url = new URL(address);
  const wire = new Wire(url, CONNECTIONS);
  const random = Random.of(1, 'pauses');
  const metrics = async () => {
    const text = await (await fetch(`${address}/metrics`)).text();
    return (name: string) =>
      [...text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, 'gm'))].reduce(
        (sum, [, value]) => sum + Number(value),
        0,
      );
  };
  const taken = async (): Promise<Taken> => {
    const value = await metrics();
    return {
      cpu: 1000 * value('process_cpu_seconds_total'),
      service: 1000 * value('twotower_service_busy_seconds'),
      workers: 1000 * value('twotower_workers_busy_seconds'),
    };
  };
  /** What a server takes for requests, in processor time: threads are told apart by how long they were busy. */
  const spent = async (requests: number, send: () => Promise<void>): Promise<Spent> => {
    const before = await taken();
    await send();
    const after = await taken();
    const asked = await taken();
    const of = (one: keyof Taken) => Math.max(0, 2 * after[one] - before[one] - asked[one]) / requests;
    const [cpu, service, workers] = [of('cpu'), of('service'), of('workers')];
    const share = service + workers === 0 ? 1 : service / (service + workers);
    return { service: cpu * share, worker: cpu * (1 - share) };
  };
  const ask = async (shot: Shot, keep: boolean) => {
    const { status, body, bytes } = await wire.send(shot, keep);
    if (status === 200) return { body, bytes: bytes + Buffer.byteLength(shot.body) };
    throw new TwoTowerError(
      'SERVING_STORE',
      `the server that is measured answered ${status}${body === undefined ? '' : `: ${body.toString().slice(0, 300)}`}`,
    );
  };
  return {
    async crowded(shots, count) {
      let sent = 0;
      let seconds = 0;
      const connection = async () => {
        while (sent < count) await ask(shots[sent++ % shots.length]!, false);
      };
      const one = await spent(count, async () => {
        const started = performance.now();
        await Promise.all(Array.from({ length: CONNECTIONS }, connection));
        seconds = (performance.now() - started) / 1000;
      });
      return { ...one, perSecond: count / seconds };
    },
    async alone(shots, count, pauseMs = 0) {
      const timings: Timing[] = [];
      const one = await spent(count, async () => {
        for (let i = 0; i < count; i++) {
          const pause = -pauseMs * Math.log(1 - random.uniform());
          if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
          const started = performance.now();
          const { body, bytes } = await ask(shots[i % shots.length]!, true);
          const latency = performance.now() - started;
          const { phases } = JSON.parse(body!.toString()) as { phases: { ms: number }[] };
          timings.push({ latency, phases: phases.reduce((sum, { ms }) => sum + ms, 0), bytes });
        }
      });
      return { ...one, timings };
    },
    async atRandom(shots, perSecond, seconds) {
      let load: RandomLoad | undefined;
      const one = await spent(Math.ceil(perSecond * seconds), async () => {
        load = await atRandomApart({ address, shots, perSecond, seconds });
      });
      // A machine that stops for a moment makes a queue that is full.
      if (load!.refused < load!.times.length) return { ...load!, ...one };
      throw new TwoTowerError('SERVING_STORE', `the server that is measured refused ${load!.refused} requests`);
    },
    memory: async () => (await metrics())('process_resident_memory_bytes'),
    close: () => wire.close(),
  };
}
