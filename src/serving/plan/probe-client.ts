import { TwoTowerError } from '../../errors.js';
import { Random } from '../../random.js';
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

/** Asks a server, and reads what it took. */
export interface ProbeClient {
  /** So many requests, some at a time. @returns processor milliseconds of the server for one of them */
  cpuOf(shots: readonly Shot[], count: number): Promise<number>;
  /** One request after the other, each after a pause of random length with this mean; none where it is 0. */
  alone(shots: readonly Shot[], count: number, pauseMs?: number): Promise<Timing[]>;
  /** Bytes that the server holds in memory. */
  memory(): Promise<number>;
  close(): void;
}

/** @throws SERVING_STORE where the server answers with anything but 200 */
export function probeClient(address: string): ProbeClient {
  const wire = new Wire(new URL(address), CONNECTIONS);
  const random = Random.of(1, 'pauses');
  const metrics = async () => {
    const text = await (await fetch(`${address}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
    return { cpuMs: 1000 * value('process_cpu_seconds_total'), memory: value('process_resident_memory_bytes') };
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
    async cpuOf(shots, count) {
      const before = (await metrics()).cpuMs;
      let sent = 0;
      const connection = async () => {
        while (sent < count) await ask(shots[sent++ % shots.length]!, false);
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, connection));
      const after = (await metrics()).cpuMs;
      const asking = (await metrics()).cpuMs - after;
      return Math.max(0, after - before - asking) / count;
    },
    async alone(shots, count, pauseMs = 0) {
      const timings: Timing[] = [];
      for (let i = 0; i < count; i++) {
        const pause = -pauseMs * Math.log(1 - random.uniform());
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
        const started = performance.now();
        const { body, bytes } = await ask(shots[i % shots.length]!, true);
        const latency = performance.now() - started;
        const { phases } = JSON.parse(body!.toString()) as { phases: { ms: number }[] };
        timings.push({ latency, phases: phases.reduce((sum, { ms }) => sum + ms, 0), bytes });
      }
      return timings;
    },
    memory: async () => (await metrics()).memory,
    close: () => wire.close(),
  };
}
