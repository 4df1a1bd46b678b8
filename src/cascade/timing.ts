import { clipped, type Sizes, usersOnce } from './collect.js';
import type { Cascade, PhaseName } from './open.js';
import { bestPositions, take } from './order.js';
import { retrieve } from './retrieve.js';

/** Milliseconds at two percentiles over requests. */
export interface Milliseconds {
  p50: number;
  p95: number;
}

/** How long single requests take, by phase and together. */
export interface RequestTimes {
  /** Requests that were timed. */
  requests: number;
  phases: Partial<Record<PhaseName, Milliseconds>>;
  total: Milliseconds;
}

/** Requests that go first and do not count: programs are compiled and memory is fetched. */
const WARM_UP = 3;

/**
 * Sends requests through the cascade one by one. What a phase takes includes gathering the request's features and its user
 * part, as long as no earlier phase of the same run has computed it.
 */
export async function timeRequests(
  { phases }: Pick<Cascade, 'phases'>,
  events: Uint32Array,
  wanted: Sizes,
): Promise<RequestTimes> {
  const spent: Record<PhaseName | 'total', number[]> = { retrieve: [], prerank: [], rank: [], total: [] };
  const { prerank, rank } = phases;
  for (let i = -Math.min(WARM_UP, events.length); i < events.length; i++) {
    const users = usersOnce(events.slice(Math.max(0, i), Math.max(0, i) + 1));
    const times: [PhaseName, number][] = [];
    const timed = async <T>(phase: PhaseName, work: () => Promise<T>): Promise<T> => {
      const start = performance.now();
      const result = await work();
      times.push([phase, performance.now() - start]);
      return result;
    };
    const best = (items: Int32Array, scores: Float32Array, kept: number) =>
      take(items, items.length, bestPositions(items, scores, items.length, kept), kept);
    let items = await timed('retrieve', async () => {
      return (await retrieve(phases.retrieve, await users(phases.retrieve), wanted.retrieve)).items;
    });
    const sizes = clipped(wanted, items.length, prerank !== undefined);
    if (prerank) {
      items = await timed('prerank', async () => {
        return best(items, await prerank.score(await users(prerank), items), sizes.prerank);
      });
    }
    if (rank) {
      items = await timed('rank', async () => best(items, await rank.order(await users(rank), items), sizes.rank));
    }
    if (i < 0) continue;
    for (const [phase, ms] of times) spent[phase].push(ms);
    spent.total.push(times.reduce((sum, [, ms]) => sum + ms, 0));
  }
  const { total, ...byPhase } = spent;
  return {
    requests: events.length,
    phases: Object.fromEntries(
      Object.entries(byPhase).flatMap(([phase, values]) =>
        values.length === 0 ? [] : [[phase, atPercentiles(values)]],
      ),
    ),
    total: atPercentiles(total),
  };
}

/** The smallest values that half, and 95 of 100, do not exceed. */
export function atPercentiles(values: readonly number[]): Milliseconds {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95) };
}
