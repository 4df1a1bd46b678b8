import { type Figure, figure, short } from './figure.js';
import { type Wait, waiting } from './queue.js';
import type { Rates } from './rates.js';
import type { RequestWork } from './work.js';

/** A server under its share of the load. */
export interface Load {
  workers: number;
  /** Requests a second that arrive at one server. */
  perSecond: number;
  service: Wait;
  worker: Wait;
  /** Milliseconds from the request to the answer: on average, and what 99 of 100 do not exceed. */
  mean: Figure;
  p99: Figure;
}

/** One thread that speaks HTTP, M/D/1, and behind it the workers, M/D/c. */
export function loadOf(work: RequestWork, rates: Rates, workers: number, perSecond: number): Load {
  const service = waiting({ servers: 1, service: work.service.value, perSecond });
  const worker = waiting({ servers: workers, service: work.worker.value, perSecond });
  const alone = work.service.value + work.worker.value + rates.service.handoffMs;
  const parts = [work.service.value, work.worker.value, rates.service.handoffMs].map(short).join(' + ');
  const sum = (what: 'mean' | 'p99') =>
    figure(
      alone + service[what] + worker[what],
      'ms',
      `service + workers + hand-over = ${parts}, and waiting ${short(service[what])} + ${short(worker[what])}`,
    );
  return { workers, perSecond, service, worker, mean: sum('mean'), p99: sum('p99') };
}

/** Requests a second at which a machine of so many cores has one of its parts busy all the time. */
export function capacity(work: RequestWork, cores: number, workers: number, clientMs = 0): Figure {
  const { service, worker } = work;
  const all = service.value + worker.value + clientMs;
  const bounds: [string, number][] = [
    [`1 / ${short(service.value)} ms service`, 1000 / service.value],
    [`${workers} / ${short(worker.value)} ms workers`, (1000 * workers) / worker.value],
    [`${cores} cores / ${short(all)} ms together`, (1000 * cores) / all],
  ];
  bounds.sort((a, b) => a[1] - b[1]);
  return figure(bounds[0]![1], '1/s', `the least of ${bounds.map(([text]) => text).join(', ')}`);
}

export interface FleetNeeds {
  requestsPerSecond: number;
  latencyMs: number;
  utilisation: number;
  replicas?: number | undefined;
  cores?: number | undefined;
  mostCores: number;
}

export interface Fleet {
  replicas: number;
  /** Of one server. */
  cores: number;
  load: Load;
  /** Whether load and latency are kept to. */
  suffices: boolean;
}

const MOST_REPLICAS = 100_000;

/** As few servers, and of these as few cores, as keep to the latency and leave the threads the air they were promised. */
export function fleet(work: RequestWork, rates: Rates, needs: FleetNeeds): Fleet {
  const { requestsPerSecond, latencyMs, utilisation, mostCores } = needs;
  const sizes = needs.cores === undefined ? range(2, mostCores) : [needs.cores];
  const fits = ({ service, worker, p99 }: Load) =>
    service.utilisation <= utilisation && worker.utilisation <= utilisation && p99.value <= latencyMs;
  const within = (replicas: number): Fleet | undefined => {
    for (const cores of sizes) {
      const load = loadOf(work, rates, cores - 1, requestsPerSecond / replicas);
      if (fits(load)) return { replicas, cores, load, suffices: true };
    }
    return undefined;
  };
  const largest = sizes.at(-1)!;
  if (needs.replicas !== undefined) return within(needs.replicas) ?? failing(needs.replicas);
  // More servers never make it worse: the least number that does is found by halving.
  let [low, high] = [1, MOST_REPLICAS];
  if (within(high) === undefined) {
    const busiest = Math.max(work.service.value, work.worker.value / (largest - 1));
    return failing(Math.max(1, Math.ceil((requestsPerSecond * busiest) / 1000 / utilisation)));
  }
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (within(middle) === undefined) low = middle + 1;
    else high = middle;
  }
  return within(low)!;

  function failing(replicas: number): Fleet {
    const load = loadOf(work, rates, largest - 1, requestsPerSecond / replicas);
    return { replicas, cores: largest, load, suffices: false };
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
