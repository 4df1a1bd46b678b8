import type { Phase } from '../contract.js';
import { planOptions } from './options.js';
import type { Alone, LoadedKind, PhaseTimes, ProbeResult } from './probe.js';
import { LISTS } from './probe-kinds.js';
import type { KindRates, ModelRates, Rates } from './rates.js';
import { stallsOf } from './stalls.js';
import type { Subject, SubjectPhase } from './subject.js';
import { wayOf } from './way.js';
import { type RequestWork, requestWork } from './work.js';

/** What is known of the machine besides. */
export interface Known {
  /** Milliseconds of each phase's item part for all items of the probed store, and how many these are. */
  itemMs: Partial<Record<Phase, number>>;
  items: number;
  scanPerSecond: number | undefined;
  cores: number;
}

/** Milliseconds below which a difference says nothing. */
const LEAST_MS = 1e-4;

/**
 * Takes what requests took apart into what the models take and what the service takes: a request to rank takes
 * service(N) + list(N) of processor time. For the phase whose lists are cheapest the worker's share is known by the clock, from
 * which follows the service's, and from that the lists of the others. What takes longer under load than all this says stood still.
 */
export function ratesFrom(subject: Subject, found: ProbeResult, known: Known): Pick<Rates, 'service' | 'models'> {
  const { lightest, phases, bytes, alone, loaded } = found;
  const light = phases[lightest.phase]!;
  const rank = lineOf(LISTS.short, light.short - lightest.short, LISTS.long, light.long - lightest.long);
  const models: Rates['models'] = {};
  for (const one of subject.phases) {
    const itemMs = (known.itemMs[one.phase] ?? 0) / (known.items + 1);
    models[one.phase] = modelRates(one, phases[one.phase]!, itemMs, rank);
  }
  const { short, long, worker } = alone;
  const beyond = ({ latency, cpu }: Alone) => latency - cpu;
  const handoff = lineOf(short.bytes, beyond(short), long.bytes, beyond(long));
  const ranking: KindRates = {
    ...{ fixedMs: rank.base, perEachMs: rank.slope, workerMs: 0 },
    ...{ serviceWakingMs: 0, workerWakingMs: 0, stallMs: 0, stallShare: 0 },
  };
  const service: Rates['service'] = {
    rank: ranking,
    recommend: { ...ranking },
    handoffMs: handoff.base,
    handoffMsPerByte: handoff.slope,
    workerHandoffMs: Math.max(0, beyond(worker) - handoff.base - handoff.slope * worker.bytes),
    serviceSpread: short.outside.map((time, i) => (time + long.outside[i]!) / 2),
    workerSpread: [...worker.phases],
    fixedBytes: bytes.fixed,
    bytesPerCandidate: Math.max(1, bytes.perCandidate),
    bytesPerItem: Math.max(1, bytes.perItem),
    memoryBytes: found.memory,
  };
  const { cores, scanPerSecond } = known;
  const rates: Rates = {
    ...{ format: 4, measured: '', machine: {}, cores, service, models },
    ...(scanPerSecond !== undefined && { scanPerSecond }),
  };
  const work = (asked: object, of = subject) =>
    requestWork(of, rates, planOptions.parse({ ...asked, cached: 1 }), known.items);
  const [few, many] = found.recommend;
  if (few !== undefined) {
    const line = lineOf(few.k, few.service, many!.k, many!.service);
    const messages = [few, many!].map(({ k, worker: own }) => own - work({ k }).worker.value);
    service.recommend = {
      ...{ fixedMs: line.base, perEachMs: line.slope },
      workerMs: Math.max(0, (messages[0]! + messages[1]!) / 2),
      ...{ serviceWakingMs: 0, workerWakingMs: 0, stallMs: 0, stallShare: 0 },
    };
  }
  const ofLightest = { ...subject, phases: subject.phases.filter(({ phase }) => phase === lightest.phase) };
  const workers = Math.max(1, cores - 1);
  const underLoad = (kind: 'rank' | 'recommend', asked: RequestWork, load: LoadedKind) => {
    const { times, perSecond, clientMs } = load;
    const busiest = Math.max((perSecond * load.service) / 1000, (perSecond * load.worker) / 1000 / workers);
    const waking = (took: number, takes: number) => Math.max(0, took - takes) / Math.max(0.1, 1 - busiest);
    service[kind].serviceWakingMs = waking(load.service, asked.service.value);
    service[kind].workerWakingMs = waking(load.worker, asked.worker.value);
    Object.assign(service[kind], stallsOf(times, wayOf(asked, rates, { cores, workers, perSecond, clientMs })));
  };
  underLoad('rank', work({ candidates: LISTS.long }, ofLightest), loaded.rank);
  if (loaded.recommend !== undefined) underLoad('recommend', work({ k: few!.k }), loaded.recommend);
  return { service, models };
}

interface Line {
  base: number;
  slope: number;
}

/** The line through two points; neither base nor slope is below zero. */
function lineOf(x0: number, y0: number, x1: number, y1: number): Line {
  const slope = Math.max(0, (y1 - y0) / (x1 - x0));
  return { base: Math.max(0, y0 - slope * x0), slope };
}

function modelRates(
  { model, fingerprint, cost }: SubjectPhase,
  times: PhaseTimes,
  itemMs: number,
  rank: Line,
): ModelRates {
  const perSecond = (flops: number, ms: number) => (1000 * Math.max(1, flops)) / Math.max(LEAST_MS, ms);
  const list = (ms: number, candidates: number) => Math.max(0, ms - rank.base - rank.slope * candidates);
  const [short, long] = [list(times.short, LISTS.short), list(times.long, LISTS.long)];
  const listFlopsPerSecond = perSecond(cost.list(LISTS.long) - cost.list(LISTS.short), long - short);
  return {
    model,
    fingerprint,
    itemFlopsPerSecond: perSecond(cost.item, itemMs),
    userFlopsPerSecond: perSecond(cost.user, times.user),
    encodeMs: Math.max(0, times.fresh - times.short - times.user),
    listFixedMs: Math.max(0, short - (1000 * cost.list(LISTS.short)) / listFlopsPerSecond),
    listFlopsPerSecond,
  };
}
