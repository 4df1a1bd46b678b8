import { checkWhole } from './checks.js';
import { type RankingMetrics, rankingMetrics } from './ranking.js';
import { RankedRow, type RankingRequest, type RelevantRanks } from './ranks.js';

export interface CorpusOptions {
  /** How many items a row of scores has. */
  items: number;
  /** The k's, such as [20, 100]. */
  ks: readonly number[];
  /** [items], 0 = not a candidate, for requests that bring no mask of their own. */
  candidates?: Uint8Array;
}

export interface CorpusResult {
  /** One per k, ascending: means over the counted requests, undefined when there is none. */
  at: { k: number; metrics: RankingMetrics | undefined }[];
  /** Requests with at least one relevant item among their candidates: only these count. */
  requestsCounted: number;
  requestsTotal: number;
  /** Relevant items over the counted requests. */
  relevantCounted: number;
  /** Relevant items that were no candidates of their request (excluded or not in the corpus) and do not count. */
  relevantUnavailable: number;
}

/** One request whose scores arrive block by block. */
export interface OpenRequest {
  /** Scores of the next items: the first block starts at item 0, each block where the last one ended. */
  push(block: Float32Array): void;
  /** Counts the request, once every item has been pushed; returns where its relevant items stand, exact up to the largest k. */
  close(): RelevantRanks;
}

/**
 * Ranking metrics over the full corpus: every candidate is scored for every request, nothing is sampled. Memory is the
 * largest k and the relevant items of each open request, never requests x items, so that many requests may be open at once
 * while the corpus passes by in blocks of items. Requests count equally; ties are resolved against the model
 * (`relevantRanks`).
 */
export class CorpusEvaluation {
  private readonly ks: number[];
  private readonly sums: RankingMetrics[];
  private requestsCounted = 0;
  private requestsTotal = 0;
  private relevantCounted = 0;
  private relevantUnavailable = 0;

  /** @throws RangeError on a bad k or no k at all, or a bad number of items */
  constructor(private readonly options: CorpusOptions) {
    checkWhole('CorpusEvaluation', 'items', options.items, 1);
    checkWhole('CorpusEvaluation', 'the number of ks', options.ks.length, 1);
    for (const k of options.ks) checkWhole('CorpusEvaluation', 'k', k, 1);
    this.ks = [...new Set(options.ks)].sort((a, b) => a - b);
    this.sums = this.ks.map(() => ({ recall: 0, precision: 0, ndcg: 0, mrr: 0, hitRate: 0 }));
  }

  /**
   * Counts one request.
   *
   * @param scores [items]
   * @throws RangeError on a wrong number of scores, an item outside the corpus or a bad gain; TwoTowerError TRAIN_DIVERGED on NaN
   */
  add(scores: Float32Array, request: RankingRequest): void {
    const open = this.open(request);
    open.push(scores);
    open.close();
  }

  /** Starts a request whose scores arrive in blocks; errors as in `add`. */
  open(request: RankingRequest): OpenRequest {
    const { items } = this.options;
    const limit = Math.min(this.ks.at(-1)!, items);
    const row = new RankedRow(items, limit, {
      ...request,
      candidates: request.candidates ?? this.options.candidates,
    });
    let closed = false;
    return {
      push: (block) => row.push(block),
      close: () => {
        if (closed) throw new RangeError('CorpusEvaluation: a request was closed twice');
        const ranks = this.count(row);
        closed = true;
        return ranks;
      },
    };
  }

  /** The means so far. More requests may follow. */
  result(): CorpusResult {
    const { requestsCounted, requestsTotal, relevantCounted, relevantUnavailable } = this;
    const mean = (sum: RankingMetrics): RankingMetrics => ({
      recall: sum.recall / requestsCounted,
      precision: sum.precision / requestsCounted,
      ndcg: sum.ndcg / requestsCounted,
      mrr: sum.mrr / requestsCounted,
      hitRate: sum.hitRate / requestsCounted,
    });
    return {
      at: this.ks.map((k, i) => ({ k, metrics: requestsCounted === 0 ? undefined : mean(this.sums[i]!) })),
      requestsCounted,
      requestsTotal,
      relevantCounted,
      relevantUnavailable,
    };
  }

  private count(row: RankedRow): RelevantRanks {
    const result = row.result();
    const { ranks, gains, unavailable } = result;
    this.requestsTotal++;
    this.relevantUnavailable += unavailable;
    if (ranks.length === 0) return result;
    this.requestsCounted++;
    this.relevantCounted += ranks.length;
    for (const [i, k] of this.ks.entries()) {
      const metrics = rankingMetrics(ranks, k, gains)!;
      const sum = this.sums[i]!;
      sum.recall += metrics.recall;
      sum.precision += metrics.precision;
      sum.ndcg += metrics.ndcg;
      sum.mrr += metrics.mrr;
      sum.hitRate += metrics.hitRate;
    }
    return result;
  }
}
