import { rankingMetrics } from '../evaluation/ranking.js';
import type { Passage } from './collect.js';
import type { PhaseName } from './open.js';

/** One number per cut-off. */
export type AtK = Record<number, number>;

export interface StageMetrics {
  phase: PhaseName;
  /** Items it hands on for each request. */
  items: number;
  /** Relevant items among those handed on / relevant items, the mean over the requests. */
  recall: number;
  /** NDCG of the phase's own order, over all relevant items of a request, found or not. */
  ndcg: AtK;
  /**
   * Share of the ranker's top k (of all that was retrieved) that this phase handed on; for k beyond what it hands on, of as many
   * as it does. Absent for retrieval, which hands on everything by definition, and without a ranker.
   */
  agreement?: AtK;
  /** Relevant items that reached this phase and were not handed on, over all requests. */
  lost: number;
}

/** What a funnel lets through. Requests without a relevant item do not count. */
export interface FunnelMetrics {
  requests: number;
  /** Relevant items over all requests: what the phases lost and what was kept add up to it. */
  relevant: number;
  /** Relevant items that came through to the end. */
  kept: number;
  stages: StageMetrics[];
  /** |U|: relevant items that retrieval did not find, which nothing behind it can bring back; the mean over the requests. */
  irretrievable: number;
  /** The best that any ranker of what was retrieved could reach: means over the requests (papers: LT-TTD's ceiling). */
  ceiling: { recall: number; ndcg: AtK };
}

/**
 * Measures how relevant items come through.
 *
 * @param relevant distinct item rows of each request, [Q]
 * @param phases which phases there are beside retrieval
 * @param ks cut-offs
 */
export function funnelMetrics(
  passage: Passage,
  relevant: readonly Int32Array[],
  phases: { prerank: boolean; rank: boolean },
  ks: readonly number[],
): FunnelMetrics {
  const { sizes, oracle } = passage;
  const lists = handedOn(passage, phases);
  const counted = relevant.map((_, q) => q).filter((q) => relevant[q]!.length > 0);
  const mean = (value: (request: number) => number) =>
    counted.length === 0 ? Number.NaN : counted.reduce((sum, q) => sum + value(q), 0) / counted.length;
  const atK = (value: (k: number) => number): AtK => Object.fromEntries(ks.map((k) => [k, value(k)]));
  const found = (q: number, { order, n, items }: HandedOn) =>
    order.subarray(q * n, q * n + items).filter((item) => relevant[q]!.includes(item)).length;

  const total = counted.reduce((sum, q) => sum + relevant[q]!.length, 0);
  let reached = total;
  const stages = lists.map((list): StageMetrics => {
    const through = counted.reduce((sum, q) => sum + found(q, list), 0);
    const lost = reached - through;
    reached = through;
    return {
      phase: list.phase,
      items: list.items,
      recall: mean((q) => found(q, list) / relevant[q]!.length),
      ndcg: atK((k) => mean((q) => ndcgOf(list.order.subarray(q * list.n, (q + 1) * list.n), relevant[q]!, k))),
      ...(oracle !== undefined &&
        list.phase !== 'retrieve' && {
          agreement: atK((k) =>
            mean((q) => {
              const top = Math.min(k, list.items);
              const best = oracle.subarray(q * sizes.retrieve, q * sizes.retrieve + top);
              const handed = new Set(list.order.subarray(q * list.n, q * list.n + list.items));
              return best.filter((item) => handed.has(item)).length / top;
            }),
          ),
        }),
      lost,
    };
  });
  const retrieval = lists[0]!;
  return {
    requests: counted.length,
    relevant: total,
    kept: reached,
    stages,
    irretrievable: mean((q) => relevant[q]!.length - found(q, retrieval)),
    ceiling: {
      recall: mean((q) => found(q, retrieval) / relevant[q]!.length),
      ndcg: atK((k) => mean((q) => ndcgCeiling(found(q, retrieval), relevant[q]!.length, k))),
    },
  };
}

/** The lists of one phase, for every request. */
export interface HandedOn {
  phase: PhaseName;
  /** Item rows in its own order, [Q · n] */
  order: Int32Array;
  n: number;
  /** How many of the first it hands on. */
  items: number;
}

/** What each phase that there is made of the requests, the first one first. */
export function handedOn(
  { sizes, retrieved, preranked, ranked }: Passage,
  phases: { prerank: boolean; rank: boolean },
): HandedOn[] {
  const { retrieve, prerank, rank } = sizes;
  return [
    { phase: 'retrieve', order: retrieved, n: retrieve, items: retrieve },
    ...(phases.prerank ? [{ phase: 'prerank' as const, order: preranked, n: prerank, items: prerank }] : []),
    ...(phases.rank ? [{ phase: 'rank' as const, order: ranked, n: prerank, items: rank }] : []),
  ];
}

/** NDCG at k of one order over all relevant items, of which those that are not in it are never found. */
export function ndcgOf(order: Int32Array, relevant: Int32Array, k: number): number {
  const ranks = Array.from(relevant, (item) => order.indexOf(item) + 1 || Number.POSITIVE_INFINITY);
  return rankingMetrics(ranks, k)!.ndcg;
}

/** The highest NDCG at k when only so many of the relevant items can appear: they come first. */
export function ndcgCeiling(found: number, relevant: number, k: number): number {
  const ranks = Array.from({ length: relevant }, (_, i) => (i < found ? i + 1 : Number.POSITIVE_INFINITY));
  return rankingMetrics(ranks, k)!.ndcg;
}
