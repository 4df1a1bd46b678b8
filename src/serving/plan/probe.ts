import type { Phase } from '../contract.js';
import type { Effort } from './effort.js';
import { typical } from './kernels.js';
import { type ProbeClient, probeClient, type Timing } from './probe-client.js';
import { PROBE } from './probe-store.js';
import { settled } from './settle.js';
import { type Spread, spreadOf } from './spread.js';
import type { Shot } from './wire.js';

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

/** Processor milliseconds of the server for requests that one phase answers; `user` is what its user part takes by the clock. */
export interface PhaseTimes {
  short: number;
  long: number;
  fresh: number;
  user: number;
}

/** A request by the client's clock, alone on an idle machine. */
export interface Alone {
  latency: number;
  /** On the wire, headers included. */
  bytes: number;
  /** Of the latency without its phases, and of the phases. */
  outside: Spread;
  phases: Spread;
}

/** What was asked, and what it took. */
export interface ProbeResult {
  phases: Partial<Record<Phase, PhaseTimes>>;
  /** Of the phase whose lists cost least: what they take by the clock. */
  lightest: { phase: Phase; short: number; long: number };
  /** Processor milliseconds of recommendations of so many items, the state of whose user is kept. */
  recommend: { k: number; cpu: number }[];
  /** The lightest phase's lists, which no worker sees; and a request that goes to a worker, with its processor milliseconds. */
  alone: { short: Alone; long: Alone; worker: Alone & { cpu: number } };
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
  const client = probeClient(server.url);
  const stages = stagesOf(phases, lightest, effort);
  const kinds: Kinds = Object.assign({}, ...stages);
  const clock = (kind: string) => client.alone(kinds[kind]!.shots, effort.alone);
  try {
    const cpu: Record<string, number> = {};
    for (const stage of stages) Object.assign(cpu, await processorTimes(client, stage, effort));
    const [few, many] = [await clock(`short ${lightest}`), await clock(`long ${lightest}`)];
    const times: ProbeResult['phases'] = {};
    for (const phase of phases) {
      const short = phase === lightest ? few : await clock(`short ${phase}`);
      const user = Math.max(0, typical(phasesOf(await clock(`fresh ${phase}`))) - typical(phasesOf(short)));
      times[phase] = {
        short: cpu[`short ${phase}`]!,
        long: cpu[`long ${phase}`]!,
        fresh: cpu[`fresh ${phase}`]!,
        user,
      };
    }
    const recommended = KS.filter((k) => `recommend ${k}` in kinds);
    const sizes: number[] = [];
    for (const k of recommended) sizes.push(bytesOf(await clock(`recommend ${k}`)));
    const perCandidate = (bytesOf(many) - bytesOf(few)) / (LISTS.long - LISTS.short);
    const byWorker = recommended.length > 0 ? `recommend ${KS[0]}` : `fresh ${lightest}`;
    const alone = async (kind: string) =>
      aloneOf(await client.alone(kinds[kind]!.shots, effort.paused, effort.pauseMs));
    return {
      phases: times,
      lightest: { phase: lightest, short: typical(phasesOf(few)), long: typical(phasesOf(many)) },
      recommend: recommended.map((k) => ({ k, cpu: cpu[`recommend ${k}`]! })),
      alone: {
        short: await alone(`short ${lightest}`),
        long: await alone(`long ${lightest}`),
        worker: { ...(await alone(byWorker)), cpu: cpu[byWorker]! },
      },
      bytes: {
        fixed: HEADER_BYTES + Math.max(1, bytesOf(few) - LISTS.short * perCandidate),
        perCandidate,
        perItem: sizes.length === 0 ? perCandidate : (sizes[1]! - sizes[0]!) / (KS[1] - KS[0]),
      },
      memory: await client.memory(),
    };
  } finally {
    client.close();
  }
}

/** Requests of one kind, and how many of them give a mean. */
interface Kind {
  shots: Shot[];
  count: number;
}
type Kinds = Record<string, Kind>;

/**
 * What is asked, stage after stage. A server that has answered one kind of requests only is compiled for it; most servers do, and
 * the service's own time is read off such a one.
 */
function stagesOf(phases: readonly Phase[], lightest: Phase, { short, long }: Effort): Kinds[] {
  const rank = (phase: Phase, length: keyof typeof LISTS, kept: boolean): Kinds => {
    const count = length === 'long' && phase !== lightest ? long : short;
    return { [`${kept ? length : 'fresh'} ${phase}`]: { shots: rankShots(LISTS[length], phase, kept), count } };
  };
  const others: Kinds = {};
  for (const phase of phases) {
    if (phase !== lightest) Object.assign(others, rank(phase, 'short', true), rank(phase, 'long', true));
    Object.assign(others, rank(phase, 'short', false));
  }
  const recommendations = KS.map((k): [string, Kind] => [`recommend ${k}`, { shots: recommendShots(k), count: short }]);
  return [
    { ...rank(lightest, 'short', true), ...rank(lightest, 'long', true) },
    others,
    ...(phases[0] === 'retrieve' ? [Object.fromEntries(recommendations)] : []),
  ];
}

/** Of every kind the middle one of some rounds, once rounds take no less than the ones before. */
async function processorTimes(client: ProbeClient, kinds: Kinds, { rounds, settle }: Effort) {
  await settled(async () => {
    let sum = 0;
    for (const { shots, count } of Object.values(kinds)) sum += await client.cpuOf(shots, count);
    return sum;
  }, settle);
  const found: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [kind, { shots, count }] of Object.entries(kinds)) {
      found[kind] ??= [];
      found[kind].push(await client.cpuOf(shots, count));
    }
  }
  return Object.fromEntries(
    Object.entries(found).map(([kind, times]) => [kind, times.sort((a, b) => a - b)[times.length >> 1]!]),
  );
}

const phasesOf = (timings: readonly Timing[]) => timings.map(({ phases }) => phases);
const bytesOf = (timings: readonly Timing[]) => mean(timings.map(({ bytes }) => bytes));

function aloneOf(timings: readonly Timing[]): Alone {
  return {
    latency: mean(timings.map(({ latency }) => latency)),
    bytes: HEADER_BYTES + bytesOf(timings),
    outside: spreadOf(timings.map(({ latency, phases }) => Math.max(0, latency - phases))),
    phases: spreadOf(phasesOf(timings)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
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
