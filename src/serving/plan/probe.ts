import type { Phase } from '../contract.js';
import { type RandomLoad, spellsOf } from './at-random.js';
import type { Effort } from './effort.js';
import { typical } from './kernels.js';
import { type ProbeClient, probeClient, type Spent, type Timing, together } from './probe-client.js';
import { KS, LISTS, rankShots, recommendShots } from './probe-kinds.js';
import { settled } from './settle.js';
import { type Spread, spreadOf } from './spread.js';
import type { Shot } from './wire.js';

/** Bytes of a request line and the headers of a request and its answer, about. */
const HEADER_BYTES = 450;
/** Share of what the server can do at which requests arrive at random. */
const LOAD = 0.4;

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
  /** Processor milliseconds of it. */
  cpu: number;
  /** On the wire, headers included. */
  bytes: number;
  /** Of the latency without its phases, and of the phases. */
  outside: Spread;
  phases: Spread;
}

/** Recommendations of so many items, the state of whose user is kept. */
export interface Recommended extends Spent {
  k: number;
}

/** Requests that arrived at random: what each of them took of the server, and of the client. */
export interface LoadedKind extends Spent, Pick<RandomLoad, 'perSecond' | 'clientMs'> {
  /** Milliseconds, the shortest first: of several spells, each by itself. */
  times: Float64Array[];
}

/** What was asked, and what it took. */
export interface ProbeResult {
  phases: Partial<Record<Phase, PhaseTimes>>;
  /** Of the phase whose lists cost least: what they take by the clock. */
  lightest: { phase: Phase; short: number; long: number };
  recommend: Recommended[];
  /** The lightest phase's lists, which no worker sees; and a request that goes to a worker. */
  alone: { short: Alone; long: Alone; worker: Alone };
  /** Under load: the lightest phase's long lists, and the shortest recommendations, where there are any. */
  loaded: { rank: LoadedKind; recommend?: LoadedKind };
  bytes: { fixed: number; perCandidate: number; perItem: number };
  memory: number;
}

/**
 * Sends requests of each kind to a server that does nothing else. What takes long is measured by its processor time, which is hardly
 * any longer on a machine that does other things, too. A server that has answered one kind of requests only is compiled for it; most
 * servers do, so kinds come one after the other.
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
  const { short, long, alone: count } = effort;
  const rank = (phase: Phase, length: keyof typeof LISTS, kept = true): Kind => ({
    shots: rankShots(LISTS[length], phase, kept),
    count: length === 'long' && phase !== lightest ? long : short,
  });
  const clock = async ({ shots }: Kind) => (await client.alone(shots, count)).timings;
  const alone = async ({ shots }: Kind) => aloneOf(await client.alone(shots, effort.paused, effort.pauseMs));
  const loaded = async ({ shots }: Kind, crowd: Crowded): Promise<LoadedKind> => {
    const load = await client.atRandom(shots, LOAD * crowd.perSecond, effort.loadedSeconds);
    return { ...load, times: spellsOf(load) };
  };
  try {
    const light = { short: rank(lightest, 'short'), long: rank(lightest, 'long') };
    const lightTimes = await crowded(client, light, effort);
    const [few, many] = [await clock(light.short), await clock(light.long)];
    const lists = { short: await alone(light.short), long: await alone(light.long) };
    const rankLoad = await loaded(light.long, lightTimes.long!);

    const others: Kinds = {};
    for (const phase of phases) {
      if (phase !== lightest)
        Object.assign(others, { [`short ${phase}`]: rank(phase, 'short'), [`long ${phase}`]: rank(phase, 'long') });
      others[`fresh ${phase}`] = rank(phase, 'short', false);
    }
    const otherTimes = await crowded(client, others, effort);
    const times: ProbeResult['phases'] = {};
    for (const phase of phases) {
      const of = (length: 'short' | 'long') =>
        together(phase === lightest ? lightTimes[length]! : otherTimes[`${length} ${phase}`]!);
      const kept = phase === lightest ? few : await clock(others[`short ${phase}`]!);
      const fresh = await clock(others[`fresh ${phase}`]!);
      times[phase] = {
        ...{ short: of('short'), long: of('long'), fresh: together(otherTimes[`fresh ${phase}`]!) },
        user: Math.max(0, typical(phasesOf(fresh)) - typical(phasesOf(kept))),
      };
    }

    const ks = phases[0] === 'retrieve' ? KS : [];
    const asked: Kinds = Object.fromEntries(ks.map((k) => [k, { shots: recommendShots(k), count: short }]));
    const askedTimes = await crowded(client, asked, effort);
    const sizes: number[] = [];
    for (const k of ks) sizes.push(bytesOf(await clock(asked[k]!)));
    const first = asked[KS[0]];
    const worker = await alone(first ?? others[`fresh ${lightest}`]!);
    const perCandidate = (bytesOf(many) - bytesOf(few)) / (LISTS.long - LISTS.short);
    return {
      phases: times,
      lightest: { phase: lightest, short: typical(phasesOf(few)), long: typical(phasesOf(many)) },
      recommend: ks.map((k) => ({ k, ...askedTimes[k]! })),
      alone: { ...lists, worker },
      loaded: { rank: rankLoad, ...(first && { recommend: await loaded(first, askedTimes[KS[0]]!) }) },
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
type Crowded = Spent & { perSecond: number };

/** Of every kind the middle one of some rounds, once rounds take no less than the ones before. */
async function crowded(client: ProbeClient, kinds: Kinds, { rounds, settle }: Effort) {
  await settled(async () => {
    let sum = 0;
    for (const { shots, count } of Object.values(kinds)) sum += together(await client.crowded(shots, count));
    return sum;
  }, settle);
  const found: Record<string, Crowded[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [kind, { shots, count }] of Object.entries(kinds)) {
      found[kind] ??= [];
      found[kind].push(await client.crowded(shots, count));
    }
  }
  return Object.fromEntries(
    Object.entries(found).map(([kind, times]) => [
      kind,
      times.sort((a, b) => together(a) - together(b))[times.length >> 1]!,
    ]),
  );
}

const phasesOf = (timings: readonly Timing[]) => timings.map(({ phases }) => phases);
const bytesOf = (timings: readonly Timing[]) => mean(timings.map(({ bytes }) => bytes));

function aloneOf({ timings, ...spent }: Spent & { timings: readonly Timing[] }): Alone {
  return {
    latency: mean(timings.map(({ latency }) => latency)),
    cpu: together(spent),
    bytes: HEADER_BYTES + bytesOf(timings),
    outside: spreadOf(timings.map(({ latency, phases }) => Math.max(0, latency - phases))),
    phases: spreadOf(phasesOf(timings)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
