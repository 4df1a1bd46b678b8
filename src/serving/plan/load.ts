import { type Figure, figure, short } from './figure.js';
import { p99Of, type Wait, waiting } from './queue.js';
import type { Rates } from './rates.js';
import { stretch } from './sharing.js';
import { variationOf } from './spread.js';
import type { RequestWork } from './work.js';

/** A server under its share of the load. */
export interface Load {
  workers: number;
  /** Requests a second that arrive at one server. */
  perSecond: number;
  service: Wait;
  worker: Wait;
  /** How many times as long the threads take because others want the same cores; 1 where each has its own. */
  stretch: number;
  /** Milliseconds from the request to the answer: on average, and what 99 of 100 do not exceed. */
  mean: Figure;
  p99: Figure;
}

/** Where a server runs, and how much of it. */
export interface Place {
  cores: number;
  workers: number;
  perSecond: number;
  /** Processor milliseconds that something else on the same cores takes for each request, such as who sends it. */
  clientMs?: number;
}

/** Rounds in which longer times make threads busier, which makes times longer. */
const ROUNDS = 30;

/** One thread that speaks HTTP, M/G/1, and behind it the workers, M/G/c, all on the same cores. */
export function loadOf(work: RequestWork, { service: rates }: Rates, place: Place): Load {
  const { cores, workers, perSecond, clientMs = 0 } = place;
  const [m, w] = [work.service.value, work.worker.value];
  let longer = 1;
  for (let round = 0; round < ROUNDS; round++) {
    const busy = (ms: number) => (longer * perSecond * ms) / 1000;
    const others = (own: number) => [
      ...(own === 0 ? [] : [busy(m)]),
      ...new Array<number>(Math.max(0, workers - own)).fill(busy(w) / workers),
      busy(clientMs),
    ];
    // Of the two kinds of threads, each as much as it has to do.
    const all = m + w;
    longer = all === 0 ? 1 : (m * stretch(cores, others(0)) + w * stretch(cores, others(1))) / all;
  }
  const [v, u] = [variationOf(rates.serviceSpread), variationOf(rates.workerSpread)];
  const service = waiting({ servers: 1, service: longer * m, variation: v, perSecond });
  const worker = waiting({ servers: workers, service: longer * w, variation: u, perSecond });
  const handoff = work.handoff.value;
  const mean = longer * (m + w + handoff) + service.mean + worker.mean;
  const p99 = p99Of(
    [
      { mean: longer * (m + handoff), spread: rates.serviceSpread },
      { mean: longer * w, spread: rates.workerSpread },
    ],
    [service, worker],
  );
  const parts = [m, w, handoff].map(short).join(' + ');
  const times = longer < 1.005 ? '' : `, × ${short(longer)} for shared cores`;
  const said = `service + workers + hand-over = ${parts}${times}, and waiting ${short(service.mean)} + ${short(worker.mean)}`;
  return {
    workers,
    perSecond,
    service,
    worker,
    stretch: longer,
    mean: figure(mean, 'ms', said),
    p99: figure(p99, 'ms', `${said}; all spread as measured, waits exponentially`),
  };
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
