import { TwoTowerError } from '../../errors.js';
import type { Phase } from '../contract.js';
import { fire, keepAlive, type Shot } from './client.js';
import type { Effort } from './effort.js';
import { typical } from './kernels.js';
import { PROBE } from './probe-store.js';

const CONNECTIONS = 8;
/** Lists that are ranked; a list-wise model takes no longer ones. */
export const LISTS = { short: 50, long: 1000 } as const;
/** Lengths of recommended lists. */
const KS = [10, 100] as const;
/** Bytes of a request line and the headers of a request and its answer, about. */
const HEADER_BYTES = 450;

/** A server that answers from the probe store. */
export interface ProbedServer {
  url: string;
  stop(): Promise<void>;
}

/** What requests of one kind took. */
interface Timed {
  /** Milliseconds in the phases, which are those of a worker, and of the client's clock. */
  worker: number;
  latency: number;
  /** Processor milliseconds of the server for one of many requests at once. */
  cpu: number;
  /** Bytes of request and answer, headers not counted. */
  bytes: number;
}

/** Processor milliseconds of the server for requests that one phase answers; `user` is what its user part takes by the clock. */
export interface PhaseTimes {
  short: number;
  long: number;
  fresh: number;
  user: number;
}

/** What was asked, and what it took. */
export interface ProbeResult {
  phases: Partial<Record<Phase, PhaseTimes>>;
  /** Of the phase whose lists cost least: what its worker takes by the clock. */
  lightest: { phase: Phase; short: number; long: number };
  /** Processor milliseconds of recommendations of so many items, the state of whose user is kept. */
  recommend: { k: number; cpu: number }[];
  /** By the client's clock, a short list of the lightest phase. */
  latency: number;
  bytes: { fixed: number; perCandidate: number; perItem: number };
  memory: number;
}

/**
 * Sends requests of each kind to a server that does nothing else. What takes long is measured by its processor time, which is hardly
 * any longer on a machine that does other things, too.
 *
 * @param phases in their order
 * @param lightest the phase whose lists cost least: by it one sees what the service takes besides
 */
export async function probe(
  server: ProbedServer,
  phases: readonly Phase[],
  lightest: Phase,
  effort: Effort,
): Promise<ProbeResult> {
  const client = createClient(server.url, effort);
  try {
    await client.together(rankShots(LISTS.short, lightest, true), effort.warmUp);
    const times: ProbeResult['phases'] = {};
    for (const phase of phases) {
      const short = await client.measure(rankShots(LISTS.short, phase, true), effort.short);
      const fresh = await client.measure(rankShots(LISTS.short, phase, false), effort.short);
      // What the service takes is read off the lightest phase: more requests, so that collecting garbage is in it.
      const count = phase === lightest ? effort.short : effort.long;
      const long = await client.cpuOf(rankShots(LISTS.long, phase, true), count);
      times[phase] = { short: short.cpu, long, fresh: fresh.cpu, user: Math.max(0, fresh.worker - short.worker) };
    }
    const few = await client.alone(rankShots(LISTS.short, lightest, true));
    const many = await client.alone(rankShots(LISTS.long, lightest, true));
    const perCandidate = (many.bytes - few.bytes) / (LISTS.long - LISTS.short);
    const recommended: (Timed & { k: number })[] = [];
    if (phases[0] === 'retrieve') {
      for (const k of KS) recommended.push({ k, ...(await client.measure(recommendShots(k), effort.short)) });
    }
    const [least, most] = recommended;
    return {
      phases: times,
      lightest: { phase: lightest, short: few.worker, long: many.worker },
      recommend: recommended.map(({ k, cpu }) => ({ k, cpu })),
      latency: few.latency,
      bytes: {
        fixed: HEADER_BYTES + Math.max(1, few.bytes - LISTS.short * perCandidate),
        perCandidate,
        perItem: least === undefined ? perCandidate : (most!.bytes - least.bytes) / (most!.k - least.k),
      },
      memory: await client.memory(),
    };
  } finally {
    client.close();
  }
}

const HEADERS = { 'content-type': 'application/json' };

function rankShots(count: number, phase: Phase, kept: boolean): Shot[] {
  return Array.from({ length: 64 }, (_, i) => {
    const candidates = Array.from({ length: count }, (_, j) => (i * 61 + j * 4) % PROBE.items);
    // The state of a user whose columns come with the request is not kept.
    const asker = { user: (i * 3) % PROBE.users, ...(!kept && { userFields: {} }) };
    return { path: '/v1/rank', headers: HEADERS, body: JSON.stringify({ ...asker, phase, candidates }) };
  });
}

function recommendShots(k: number): Shot[] {
  return Array.from({ length: 64 }, (_, i) => {
    return { path: '/v1/recommend', headers: HEADERS, body: JSON.stringify({ user: (i * 3) % PROBE.users, k }) };
  });
}

function createClient(address: string, effort: Effort) {
  const agent = keepAlive(CONNECTIONS);
  const url = new URL(address);
  const metrics = async () => {
    const text = await (await fetch(`${address}/metrics`)).text();
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
    return { cpuMs: 1000 * value('process_cpu_seconds_total'), memory: value('process_resident_memory_bytes') };
  };
  const ask = async (shot: Shot, parsed: boolean) => {
    const { status, body, bytes } = await fire(agent, url, shot, true);
    if (status !== 200) {
      const said = body?.toString().slice(0, 300);
      throw new TwoTowerError('SERVING_STORE', `the server that is measured answered ${status}: ${said}`);
    }
    const { phases } = parsed ? (JSON.parse(body!.toString()) as { phases: { ms: number }[] }) : { phases: [] };
    const workerMs = phases.reduce((sum, { ms }) => sum + ms, 0);
    return { workerMs, bytes: bytes + Buffer.byteLength(shot.body) };
  };
  const together = async (shots: readonly Shot[], count: number) => {
    let sent = 0;
    const connection = async () => {
      while (sent < count) await ask(shots[sent++ % shots.length]!, false);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  };
  /** Processor milliseconds of the server while something runs; what asking for them takes is not counted. */
  const cpuOf = async (work: () => Promise<void>) => {
    const before = (await metrics()).cpuMs;
    await work();
    const after = (await metrics()).cpuMs;
    const asking = (await metrics()).cpuMs - after;
    return Math.max(0, after - before - asking);
  };
  /** One request after the other: by the clock. */
  const alone = async (shots: readonly Shot[]): Promise<Omit<Timed, 'cpu'>> => {
    const workers: number[] = [];
    const latencies: number[] = [];
    let bytes = 0;
    for (let i = 0; i < effort.alone; i++) {
      const started = performance.now();
      const answer = await ask(shots[i % shots.length]!, true);
      latencies.push(performance.now() - started);
      workers.push(answer.workerMs);
      bytes += answer.bytes;
    }
    return { worker: typical(workers), latency: typical(latencies), bytes: bytes / effort.alone };
  };
  const cpuOfShots = async (shots: readonly Shot[], count: number) => {
    await together(shots, CONNECTIONS);
    return (await cpuOf(() => together(shots, count))) / count;
  };
  return {
    together,
    alone,
    cpuOf: cpuOfShots,
    measure: async (shots: readonly Shot[], count: number): Promise<Timed> => ({
      cpu: await cpuOfShots(shots, count),
      ...(await alone(shots)),
    }),
    memory: async () => (await metrics()).memory,
    close: () => agent.destroy(),
  };
}
