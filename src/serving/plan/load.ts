import { type Figure, figure, ms, short } from './figure.js';
import { p99Of, type Wait } from './queue.js';
import type { Rates } from './rates.js';
import { type Place, wayOf } from './way.js';
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

/** How long requests take under a load. */
export function loadOf(work: RequestWork, rates: Rates, place: Place): Load {
  const { parts, service, worker, stalled, stretch: longer, waking, busiest } = wayOf(work, rates, place);
  const waits = [service, worker, stalled];
  const shared = longer < 1.005 ? '' : ` × ${short(longer)} for shared cores`;
  const { service: m, worker: w, handoff } = work;
  const said = [
    `(service + workers + waking = ${[m.value, w.value, waking].map(short).join(' + ')})${shared}`,
    `hand-over ${ms(handoff.value)} × ${short(1 - busiest)} asleep`,
    `waiting ${short(service.mean)} + ${short(worker.mean)}`,
    ...(stalled.mean === 0 ? [] : [`standing still ${short(stalled.mean)}`]),
  ].join(' + ');
  const mean = [...parts, ...waits].reduce((sum, one) => sum + one.mean, 0);
  return {
    workers: place.workers,
    perSecond: place.perSecond,
    service,
    worker,
    stretch: longer,
    mean: figure(mean, 'ms', said),
    p99: figure(
      p99Of(parts, waits),
      'ms',
      'the parts of the mean: times spread as measured, waits and standing still exponentially',
    ),
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
