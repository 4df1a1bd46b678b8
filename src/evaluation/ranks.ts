import { checkSameLength } from './checks.js';
import { type CandidateFilter, candidateTest, TopK } from './topk.js';

/** What one request is asked to find, and among what. */
export interface RankingRequest extends CandidateFilter {
  /** Item rows; one named twice counts once, with its largest gain. */
  relevant: ArrayLike<number>;
  /** One per entry of `relevant`, at least 0; 1 unless told. A gain of 0 makes an ordinary item. */
  gains?: ArrayLike<number> | undefined;
}

/** The relevant items of one request with their ranks, best first. */
export interface RelevantRanks {
  items: Int32Array;
  /** 1 = best; Infinity beyond the limit. */
  ranks: Float64Array;
  gains: Float64Array;
  /** Relevant items that are no candidates: they could not be found and do not count. */
  unavailable: number;
}

/**
 * Ranks of the relevant items among all candidates of a row of scores.
 *
 * Ties are resolved against the model: among equal scores the items that are not relevant come first, then the relevant
 * ones by rising gain. Of all orders the scores allow, this is the one with the lowest recall, NDCG, MRR and hit rate at
 * every k; it does not depend on how items are numbered, and a constant score ranks every relevant item last.
 *
 * @param scores [items], infinities are ordered, NaN is refused
 * @throws RangeError on an item outside the corpus, a bad gain or different lengths; TwoTowerError TRAIN_DIVERGED on NaN
 */
export function relevantRanks(scores: Float32Array, request: RankingRequest): RelevantRanks {
  const row = new RankedRow(scores.length, Math.max(scores.length, 1), request);
  row.push(scores);
  return row.result();
}

/** `relevantRanks` for a row that arrives in blocks, exact up to a limit. Memory: the limit and the relevant items. */
export class RankedRow {
  private readonly relevant: { item: number; gain: number; score: number }[] = [];
  private readonly unavailable: number;
  private readonly others: TopK;
  private seen = 0;
  private next = 0;

  /**
   * @param items how many items the whole row has
   * @param limit ranks beyond it are reported as Infinity
   */
  constructor(
    private readonly items: number,
    private readonly limit: number,
    request: RankingRequest,
  ) {
    const isCandidate = candidateTest('relevantRanks', items, request);
    const gains = relevantGains(items, request);
    let unavailable = 0;
    for (const [item, gain] of gains) {
      if (isCandidate === undefined || isCandidate(item)) this.relevant.push({ item, gain, score: Number.NaN });
      else unavailable++;
    }
    this.relevant.sort((a, b) => a.item - b.item);
    this.unavailable = unavailable;
    this.others = new TopK(limit, (item) => !gains.has(item) && (isCandidate === undefined || isCandidate(item)));
  }

  /** Adds the scores of the next items: the first block starts at item 0, each block where the last one ended. */
  push(block: Float32Array): void {
    const end = this.seen + block.length;
    if (end > this.items) throw new RangeError(`relevantRanks: ${end} scores pushed for ${this.items} items`);
    this.others.push(block);
    for (; this.next < this.relevant.length && this.relevant[this.next]!.item < end; this.next++) {
      const entry = this.relevant[this.next]!;
      entry.score = block[entry.item - this.seen]!;
    }
    this.seen = end;
  }

  /** The ranks, once every item has been pushed. */
  result(): RelevantRanks {
    if (this.seen !== this.items) {
      throw new RangeError(`relevantRanks: ${this.seen} scores pushed for ${this.items} items`);
    }
    const ordered = this.relevant.slice().sort((a, b) => b.score - a.score || a.gain - b.gain || a.item - b.item);
    const others = this.others.result().scores;
    const ranks = new Float64Array(ordered.length);
    let ahead = 0;
    for (const [index, { score }] of ordered.entries()) {
      while (ahead < others.length && others[ahead]! >= score) ahead++;
      const rank = ahead + index + 1;
      ranks[index] = rank > this.limit ? Number.POSITIVE_INFINITY : rank;
    }
    return {
      items: Int32Array.from(ordered, ({ item }) => item),
      ranks,
      gains: Float64Array.from(ordered, ({ gain }) => gain),
      unavailable: this.unavailable,
    };
  }
}

function relevantGains(items: number, { relevant, gains }: RankingRequest): Map<number, number> {
  if (gains !== undefined) checkSameLength('relevantRanks', { relevant, gains });
  const byItem = new Map<number, number>();
  for (let i = 0; i < relevant.length; i++) {
    const item = relevant[i]!;
    const gain = gains === undefined ? 1 : gains[i]!;
    if (!Number.isInteger(item) || item < 0 || item >= items) {
      throw new RangeError(`relevantRanks: relevant item ${item} is not one of the ${items} items`);
    }
    if (!(gain >= 0 && gain < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`relevantRanks: the gain of item ${item} is ${gain}; gains are finite and at least 0`);
    }
    if (gain > (byItem.get(item) ?? 0)) byItem.set(item, gain);
  }
  return byItem;
}
