import { type Collected, clipped, pass, type Sizes } from './collect.js';
import { requestCost } from './cost.js';
import { funnelMetrics } from './funnel-metrics.js';
import type { Cascade } from './open.js';

/** What one pair of list lengths gives and costs. */
export interface SweepPoint {
  retrieve: number;
  prerank: number;
  /** NDCG of the final list at the first cut-off. */
  ndcg: number;
  /** Recall of the final list of N3 items. */
  recall: number;
  /** Floating-point operations per request. */
  flops: number;
  /** Whether no other point is as good for less, or better for as much. */
  frontier: boolean;
}

/** Tries every pair of list lengths. @param k cut-off of the NDCG */
export async function sweep(
  cascade: Cascade,
  collected: Collected,
  relevant: readonly Int32Array[],
  lengths: { retrieve: readonly number[]; prerank: readonly number[] },
  k: number,
  onProgress: (done: number) => void = () => {},
): Promise<SweepPoint[]> {
  const { prerank, rank } = cascade.phases;
  const shown = (cascade.config.rank ?? cascade.config.prerank ?? cascade.config.retrieve).items;
  const tried = new Map<string, Sizes>();
  for (const n1 of lengths.retrieve) {
    for (const n2 of lengths.prerank) {
      if (n2 > n1 && prerank !== undefined) continue;
      const sizes = clipped({ retrieve: n1, prerank: n2, rank: shown }, collected.n, prerank !== undefined);
      tried.set(`${sizes.retrieve} ${sizes.prerank}`, sizes);
    }
  }
  const points: Omit<SweepPoint, 'frontier'>[] = [];
  for (const sizes of tried.values()) {
    const passage = await pass(cascade, collected, sizes, { oracle: false });
    const phases = { prerank: prerank !== undefined, rank: rank !== undefined };
    const last = funnelMetrics(passage, relevant, phases, [k]).stages.at(-1)!;
    points.push({
      retrieve: sizes.retrieve,
      prerank: sizes.prerank,
      ndcg: last.ndcg[k]!,
      recall: last.recall,
      flops: requestCost(cascade, sizes).total,
    });
    onProgress(points.length / tried.size);
  }
  return markFrontier(points);
}

/** Marks the points that no other beats: cheaper points first, a point is on the frontier when it is better than all before. */
export function markFrontier<T extends { ndcg: number; flops: number }>(
  points: readonly T[],
): (T & { frontier: boolean })[] {
  const order = [...points].sort((a, b) => a.flops - b.flops || b.ndcg - a.ndcg);
  let best = Number.NEGATIVE_INFINITY;
  return order.map((point) => {
    const frontier = point.ndcg > best;
    if (frontier) best = point.ndcg;
    return { ...point, frontier };
  });
}

/** Lengths tried unless the configuration names some: shares of the configured one. */
export function usualLengths(configured: number): number[] {
  return [...new Set([0.1, 0.2, 0.4, 0.7, 1].map((share) => Math.max(1, Math.round(configured * share))))];
}
