import { type Load, loadOf } from './load.js';
import type { Rates } from './rates.js';
import type { RequestWork } from './work.js';

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
  const loadAt = (replicas: number, cores: number) =>
    loadOf(work, rates, { cores, workers: cores - 1, perSecond: requestsPerSecond / replicas });
  const sizes = needs.cores === undefined ? range(2, mostCores) : [needs.cores];
  const fits = ({ service, worker, p99 }: Load) =>
    service.utilisation <= utilisation && worker.utilisation <= utilisation && p99.value <= latencyMs;
  const within = (replicas: number): Fleet | undefined => {
    for (const cores of sizes) {
      const load = loadAt(replicas, cores);
      if (fits(load)) return { replicas, cores, load, suffices: true };
    }
    return undefined;
  };
  const largest = sizes.at(-1)!;
  if (needs.replicas !== undefined) return within(needs.replicas) ?? failing(needs.replicas);
  // From few to many, as servers that are hardly asked have to be woken for every request; then the least number by halving.
  let [low, high] = [1, 1];
  while (within(high) === undefined) {
    [low, high] = [high + 1, 2 * high];
    if (low > MOST_REPLICAS) {
      const busiest = Math.max(work.service.value, work.worker.value / (largest - 1));
      return failing(Math.max(1, Math.ceil((requestsPerSecond * busiest) / 1000 / utilisation)));
    }
  }
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (within(middle) === undefined) low = middle + 1;
    else high = middle;
  }
  return within(low)!;

  function failing(replicas: number): Fleet {
    const load = loadAt(replicas, largest);
    return { replicas, cores: largest, load, suffices: false };
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
