import { topK } from '../evaluation/topk.js';
import type { Passage } from './collect.js';
import { type AtK, handedOn } from './funnel-metrics.js';
import type { PhaseName } from './open.js';

/** One way to choose k items and their order: means over the requests. */
export interface TrueList {
  /** Expected clicks: Σ over the places of P(it is looked at) · P(click if it is). */
  clicks: number;
  /** Σ of P(click if looked at), whatever the places. */
  relevance: number;
}

export interface TrueStage {
  phase: PhaseName;
  /** Items it hands on for each request. */
  items: number;
  /** The best list of k items that can still be made of what it hands on, and what of the best before it is lost. */
  best: TrueList;
  lost: TrueList;
  /** Share of the k items that are best in the whole corpus that it hands on. */
  oracleKept: number;
  /** NDCG of its own order, with the true probabilities as gains and the best order of the whole corpus as the ideal. */
  ndcg: AtK;
}

/** What a cascade loses where the true probability of every click is known. Requests count whether or not something was clicked. */
export interface TrueFunnel {
  requests: number;
  /** k: items of the final list. */
  places: number;
  /** The best k of the whole corpus, best first: no list of k items has more expected clicks. */
  oracle: TrueList;
  stages: TrueStage[];
  /** Expected clicks lost by the order of the final list: they, what the stages lost and `final` add up to the oracle's. */
  lostByOrder: number;
  /** The final list as it is. */
  final: TrueList;
  /** What the log's own cascade showed in the same requests, the first k of it. */
  logged: TrueList;
}

/** What is true in requests. */
export interface RequestTruth {
  /** P(click if looked at) of every item row in a request, 0 for row 0; may be overwritten by the next. [items] */
  probabilities(request: number): Float32Array;
  /** P(a place is looked at), the first being 0; never rising. */
  examination(place: number): number;
}

/**
 * Measures under the truth what every phase lets through.
 *
 * @param shown items that the log showed in each request, by place, [Q]
 * @param phases which phases there are beside retrieval
 * @param ks cut-offs of NDCG
 */
export function trueFunnel(
  passage: Passage,
  shown: readonly Int32Array[],
  { probabilities, examination }: RequestTruth,
  phases: { prerank: boolean; rank: boolean },
  ks: readonly number[],
): TrueFunnel {
  const lists = handedOn(passage, phases);
  const last = lists.at(-1)!;
  const k = last.items;
  const looked = Float64Array.from({ length: k }, (_, place) => examination(place));
  const sums = {
    oracle: nothing(),
    final: nothing(),
    logged: nothing(),
    stages: lists.map(() => ({ best: nothing(), kept: 0, ndcg: ks.map(() => 0) })),
  };
  const deepest = Math.max(k, ...ks);
  for (let q = 0; q < shown.length; q++) {
    const truth = probabilities(q);
    const ideal = topK(truth, deepest, { excluded: [0] });
    const oracle = ideal.items.subarray(0, k);
    add(sums.oracle, truth, oracle, looked);
    add(sums.logged, truth, shown[q]!, looked);
    add(sums.final, truth, last.order.subarray(q * last.n, q * last.n + k), looked);
    lists.forEach(({ order, n, items }, s) => {
      const sum = sums.stages[s]!;
      const own = order.subarray(q * n, (q + 1) * n);
      const kept = own.subarray(0, items);
      add(
        sum.best,
        truth,
        kept.slice().sort((a, b) => truth[b]! - truth[a]! || a - b),
        looked,
      );
      const there = new Set(kept);
      sum.kept += oracle.filter((item) => there.has(item)).length / oracle.length;
      ks.forEach((at, i) => {
        sum.ndcg[i]! += discounted(truth, own, at) / discounted(truth, ideal.items, at);
      });
    });
  }
  const mean = (sum: number) => sum / shown.length;
  const list = ({ clicks, relevance }: TrueList) => ({ clicks: mean(clicks), relevance: mean(relevance) });
  const oracle = list(sums.oracle);
  let before = oracle;
  const stages = lists.map(({ phase, items }, s): TrueStage => {
    const sum = sums.stages[s]!;
    const best = list(sum.best);
    const lost = { clicks: before.clicks - best.clicks, relevance: before.relevance - best.relevance };
    before = best;
    const ndcg = Object.fromEntries(ks.map((at, i) => [at, mean(sum.ndcg[i]!)]));
    return { phase, items, best, lost, oracleKept: mean(sum.kept), ndcg };
  });
  const final = list(sums.final);
  return {
    requests: shown.length,
    places: k,
    oracle,
    stages,
    lostByOrder: before.clicks - final.clicks,
    final,
    logged: list(sums.logged),
  };
}

function nothing(): TrueList {
  return { clicks: 0, relevance: 0 };
}

/** Adds what the first items of a list are worth, as many as there are places. */
function add(sum: TrueList, truth: Float32Array, list: Int32Array, looked: Float64Array): void {
  for (let place = 0; place < Math.min(looked.length, list.length); place++) {
    sum.relevance += truth[list[place]!]!;
    sum.clicks += looked[place]! * truth[list[place]!]!;
  }
}

function discounted(truth: Float32Array, list: Int32Array, k: number): number {
  let sum = 0;
  for (let i = 0; i < Math.min(k, list.length); i++) sum += truth[list[i]!]! / Math.log2(i + 2);
  return sum;
}
