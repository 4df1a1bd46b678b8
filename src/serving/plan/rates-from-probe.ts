import type { Phase } from '../contract.js';
import { planOptions } from './options.js';
import { type Alone, LISTS, type PhaseTimes, type ProbeResult } from './probe.js';
import type { ModelRates, Rates } from './rates.js';
import type { Subject, SubjectPhase } from './subject.js';
import { requestWork } from './work.js';

/** What is known of the machine besides. */
export interface Known {
  /** Milliseconds of each phase's item part for all items of the probed store, and how many these are. */
  itemMs: Partial<Record<Phase, number>>;
  items: number;
  scanPerSecond: number | undefined;
}

/** Milliseconds below which a difference says nothing. */
const LEAST_MS = 1e-4;

/**
 * Takes what requests took apart into what the models take and what the service takes: a request to rank takes
 * service(N) + list(N) of processor time. For the phase whose lists are cheapest the worker's share is known by the clock, from
 * which follows the service's, and from that the lists of the others.
 */
export function ratesFrom(subject: Subject, found: ProbeResult, known: Known): Pick<Rates, 'service' | 'models'> {
  const { lightest, phases, bytes, alone } = found;
  const light = phases[lightest.phase]!;
  const rank = lineOf(LISTS.short, light.short - lightest.short, LISTS.long, light.long - lightest.long);
  const models: Rates['models'] = {};
  for (const one of subject.phases) {
    const itemMs = (known.itemMs[one.phase] ?? 0) / (known.items + 1);
    models[one.phase] = modelRates(one, phases[one.phase]!, itemMs, rank);
  }
  const beyond = ({ latency }: Alone, cpu: number) => latency - cpu;
  const { short, long, worker } = alone;
  const handoff = lineOf(short.bytes, beyond(short, light.short), long.bytes, beyond(long, light.long));
  const service: Rates['service'] = {
    rankFixedMs: rank.base,
    rankPerCandidateMs: rank.slope,
    recommendFixedMs: rank.base,
    recommendPerItemMs: rank.slope,
    handoffMs: handoff.base,
    handoffMsPerByte: handoff.slope,
    workerHandoffMs: Math.max(0, beyond(worker, worker.cpu) - handoff.base - handoff.slope * worker.bytes),
    serviceSpread: short.outside.map((time, i) => (time + long.outside[i]!) / 2),
    workerSpread: [...worker.phases],
    fixedBytes: bytes.fixed,
    bytesPerCandidate: Math.max(1, bytes.perCandidate),
    bytesPerItem: Math.max(1, bytes.perItem),
    memoryBytes: found.memory,
  };
  const [few, many] = found.recommend;
  if (few !== undefined) {
    const rates: Rates = {
      format: 3,
      measured: '',
      machine: {},
      cores: 2,
      service,
      models,
      ...(known.scanPerSecond !== undefined && { scanPerSecond: known.scanPerSecond }),
    };
    const phasesMs = (k: number) =>
      requestWork(subject, rates, planOptions.parse({ k, cached: 1 }), known.items).worker.value;
    const line = lineOf(few.k, few.cpu - phasesMs(few.k), many!.k, many!.cpu - phasesMs(many!.k));
    service.recommendFixedMs = line.base;
    service.recommendPerItemMs = line.slope;
  }
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
