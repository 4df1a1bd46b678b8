import { checkSameLength, checkWhole } from './checks.js';

/** The values of one request for one k. */
export interface RankingMetrics {
  /** Relevant items ranked within k / relevant items. */
  recall: number;
  /** Relevant items ranked within k / k, also where the list is shorter than k. */
  precision: number;
  /** Discounted gain within k / the largest that k places could hold. */
  ndcg: number;
  /** 1 / rank of the first relevant item, 0 when it is beyond k. */
  mrr: number;
  /** 1 when a relevant item is ranked within k, else 0. */
  hitRate: number;
}

/**
 * Recall, precision, NDCG, MRR and hit rate at k of one request, from the ranks of its relevant items. The discount is
 * 1 / log2(rank + 1) and gains are taken as they are (Järvelin and Kekäläinen, 2002): 1 for every relevant item unless told;
 * pass 2^grade - 1 for the exponential form. How tied scores become ranks is `relevantRanks`' business.
 *
 * @param ranks the rank of each relevant item, distinct, 1 = best, Infinity = not in the list
 * @param k places that count
 * @param gains one per relevant item, above 0
 * @returns undefined when nothing is relevant: none of the five has a value then
 * @throws RangeError on a bad k, rank or gain, or different lengths
 */
export function rankingMetrics(
  ranks: ArrayLike<number>,
  k: number,
  gains?: ArrayLike<number>,
): RankingMetrics | undefined {
  checkWhole('rankingMetrics', 'k', k, 1);
  if (gains !== undefined) checkSameLength('rankingMetrics', { ranks, gains });
  const relevant = ranks.length;
  if (relevant === 0) return undefined;

  let hits = 0;
  let first = Number.POSITIVE_INFINITY;
  let gained = 0;
  const ideal = new Float64Array(relevant);
  for (let i = 0; i < relevant; i++) {
    const rank = ranks[i]!;
    const gain = gains === undefined ? 1 : gains[i]!;
    if (!(rank >= 1)) throw new RangeError(`rankingMetrics: ranks start at 1, got ${rank}`);
    if (!(gain > 0 && gain < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`rankingMetrics: a relevant item's gain must be above 0 and finite, got ${gain}`);
    }
    ideal[i] = gain;
    if (rank > k) continue;
    hits++;
    if (rank < first) first = rank;
    gained += gain / Math.log2(rank + 1);
  }

  ideal.sort();
  let gainable = 0;
  for (let place = 1; place <= Math.min(k, relevant); place++) {
    gainable += ideal[relevant - place]! / Math.log2(place + 1);
  }
  return {
    recall: hits / relevant,
    precision: hits / k,
    ndcg: gained / gainable,
    mrr: 1 / first,
    hitRate: hits > 0 ? 1 : 0,
  };
}
