import { type Figure, figure, measure, short } from './figure.js';
import type { Fleet } from './fleet.js';
import type { PlanOptions } from './options.js';
import type { Rates } from './rates.js';
import type { Storage } from './storage.js';
import type { RequestWork } from './work.js';

/** How near something is to breaking. */
export interface Limit {
  what: string;
  now: Figure;
  most: Figure;
  /** now / most; from 1 on it breaks. */
  ratio: number;
  /** What to change. */
  remedy: string;
}

/** Entries of a JavaScript Map: items are found by key in one. */
const MOST_KEYS = 2 ** 24;
/** A version is made anew every day. */
const BUILD_SECONDS = 86_400;
/** Bytes a second of a network card of 10 Gbit/s. */
const NETWORK = 1.25e9;

export interface Planned {
  request: RequestWork;
  fleet: Fleet;
  storage: Storage;
  options: PlanOptions;
  items: number;
  rates: Rates;
}

/** All limits, the nearest first. */
export function limits(planned: Planned): Limit[] {
  const { request, fleet, storage, options, items, rates } = planned;
  const { load } = fleet;
  const memory = (options.memoryGiB ?? Number(rates.machine.memoryGiB)) * 2 ** 30;
  const worst = request.phases.toSorted((a, b) => b.total.value - a.total.value)[0]!;
  const alone = request.service.value + request.worker.value + request.handoff.value;
  const heaviest = storage.parts.toSorted((a, b) => b.memory.value - a.memory.value)[0]!.name;
  const limit = (what: string, now: Figure, most: number, remedy: string): Limit => {
    return { what, now, most: figure(most, now.unit, ''), ratio: now.value / most, remedy };
  };
  return [
    limit(
      'items of one server',
      figure(items, 'items', short(items)),
      MOST_KEYS,
      'cut the catalogue into shards, or let an engine hold it: twotower export --to vespa',
    ),
    limit(
      'memory of one server',
      storage.memory,
      memory,
      heaviest === 'index'
        ? 'fewer workers on more servers (each worker loads the index), narrower vectors, shards'
        : `${heaviest}: narrower states, shards, or larger servers`,
    ),
    limit(
      'tables of a trainer',
      storage.tables,
      memory,
      'fields that items share in place of their ids, or ranks that own the rows',
    ),
    limit(
      'time of one request alone',
      figure(alone, 'ms', 'service + workers + hand-over'),
      options.latencyMs,
      `${worst.phase} takes most of it: hand fewer items on to it, or put a cheaper model there`,
    ),
    limit(
      'latency under load (p99)',
      load.p99,
      options.latencyMs,
      'more replicas or cores, so that requests wait less',
    ),
    limit(
      'the thread that speaks HTTP',
      figure(load.service.utilisation, 'share', `${short(load.perSecond)}/s × ${short(request.service.value)} ms`),
      options.utilisation,
      'more replicas: a server has one such thread; binary frames instead of JSON for long lists',
    ),
    limit(
      'worker threads',
      figure(
        load.worker.utilisation,
        'share',
        `${short(load.perSecond)}/s × ${short(request.worker.value)} ms / ${load.workers}`,
      ),
      options.utilisation,
      'more cores or replicas',
    ),
    limit(
      'time to make a version, one core',
      storage.build,
      BUILD_SECONDS,
      storage.link !== undefined && storage.link.value > storage.build.value / 2
        ? 'link on all cores (retrieve.index.buildThreads: 0), put changed items into the running index instead of building anew, shards'
        : 'encode only what changed, and on all cores',
    ),
    limit(
      'network of one server',
      figure(
        (load.perSecond * request.bytes.value) as number,
        'B/s',
        `${short(load.perSecond)}/s × ${measure(request.bytes.value, 'B')}`,
      ),
      NETWORK,
      'binary frames, more replicas',
    ),
  ].sort((a, b) => b.ratio - a.ratio);
}
