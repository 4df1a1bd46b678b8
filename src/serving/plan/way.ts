import { type Wait, waiting } from './queue.js';
import type { Rates } from './rates.js';
import { stretch } from './sharing.js';
import { variationOf } from './spread.js';
import { type Moving, standstill } from './stalls.js';
import type { RequestWork } from './work.js';

/** Where a server runs, and how much of it. */
export interface Place {
  cores: number;
  workers: number;
  perSecond: number;
  /** Processor milliseconds that something else on the same cores takes for each request, such as who sends it. */
  clientMs?: number;
}

/** A request's way through a server. */
export interface Way extends Moving {
  /** For a thread that stands still. */
  stalled: Wait;
  stretch: number;
  /** Milliseconds that waking adds to a request, of both threads together; fewer, the less they sleep. */
  waking: number;
}

/** Rounds in which longer times make threads busier, which makes times longer. */
const ROUNDS = 30;

/** One thread that speaks HTTP, M/G/1, and behind it the workers, M/G/c, all on the same cores. */
export function wayOf(work: RequestWork, { service: rates }: Rates, place: Place): Way {
  const { cores, workers, perSecond, clientMs = 0 } = place;
  const [m, w] = [work.service.value, work.worker.value];
  const { serviceWakingMs, workerWakingMs, stallMs, stallShare } = rates[work.kind];
  // Who is given nothing to do is not woken either.
  const [a, c] = [m === 0 ? 0 : serviceWakingMs, w === 0 ? 0 : workerWakingMs];
  let [longer, asleep] = [1, 1];
  const busy = (ms: number) => (longer * perSecond * ms) / 1000;
  for (let round = 0; round < ROUNDS; round++) {
    asleep = Math.min(asleepOf(busy(m), busy(a)), asleepOf(busy(w) / workers, busy(c) / workers));
    const [own, other] = [m + asleep * a, w + asleep * c];
    const others = (mine: number) => [
      ...(mine === 0 ? [] : [busy(own)]),
      ...new Array<number>(Math.max(0, workers - mine)).fill(busy(other) / workers),
      busy(clientMs),
    ];
    // Of the two kinds of threads, each as much as it has to do.
    const all = own + other;
    longer = all === 0 ? 1 : (own * stretch(cores, others(0)) + other * stretch(cores, others(1))) / all;
  }
  const [served, computed] = [longer * (m + asleep * a), longer * (w + asleep * c)];
  const [v, u] = [variationOf(rates.serviceSpread), variationOf(rates.workerSpread)];
  const service = waiting({ servers: 1, service: served, variation: v, perSecond });
  const worker = waiting({ servers: workers, service: computed, variation: u, perSecond });
  const busiest = Math.min(1, Math.max(service.utilisation, worker.utilisation));
  return {
    parts: [
      { mean: served + longer * (1 - busiest) * work.handoff.value, spread: rates.serviceSpread },
      { mean: computed, spread: rates.workerSpread },
    ],
    ...{ service, worker, busiest, stretch: longer, waking: asleep * (a + c) },
    stalled: standstill(busiest, stallMs, stallShare),
  };
}

/**
 * The chance that a thread sleeps when a request comes, where a request makes it busy for ρ of the time and waking for c more: from
 * ρ' = ρ + c (1 − ρ') follows 1 − ρ' = (1 − ρ) / (1 + c).
 */
function asleepOf(busy: number, waking: number): number {
  return Math.max(0, 1 - busy) / (1 + waking);
}
