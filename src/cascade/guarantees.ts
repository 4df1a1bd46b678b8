/**
 * What can be proved about the items that retrieval loses when a list-wise ranker teaches it, measured on lists of a trained
 * model. The paper on LT-TTD (Abraich, 2025, arXiv 2505.04434) announces such a bound; its statement is not public, and this one
 * is ours:
 *
 * R are the relevant items of a request, C the K best of all items by the towers' scores, U = R \ C what is irretrievable. p
 * and p̂ are the softmaxes of the ranker's and the towers' scores over one list that holds R ∪ C, at temperature 1, and
 * ε = KL(p‖p̂). At least K items of the list score no lower than an item of U, so p̂ gives it at most 1/(K+1). Hence
 * Σ_{i∈U} (p(i) − 1/(K+1)) ≤ Σ_{i∈U} (p(i) − p̂(i)) ≤ TV(p, p̂) ≤ √(ε/2), the last by Pinsker's inequality; and where the ranker
 * gives every relevant item at least μ > 1/(K+1),
 *
 *     |U| ≤ √(ε/2) / (μ − 1/(K+1)).
 */
export interface ListGuarantee {
  /** |U| */
  irretrievable: number;
  /** ε in nats. */
  divergence: number;
  /** μ: the smallest share that the ranker gives a relevant item. */
  leastShare: number;
  /** The bound on |U|; infinite where μ is no more than 1/(K+1), when it says nothing. */
  bound: number;
  /** Σ_{i∈U} (p(i) − 1/(K+1)), which √(ε/2) bounds whatever μ is; below 0 where the ranker ranks U low as well. */
  lostShare: number;
}

/** Below it the division would blow up the rounding of ε. */
const LEAST_MARGIN = 1e-6;

/**
 * @param towers scores s of one list, retrieval's K best and every relevant item among them, finite, [n]
 * @param ranker the ranker's scores of the same list, finite, [n]
 * @param retrieved 1 for the K best of the whole corpus by `towers`, [n]
 * @param relevant 1 for every relevant item, at least one, [n]
 * @throws RangeError when no place is relevant, or an item that is not retrieved scores above one that is
 */
export function listGuarantee(
  towers: ArrayLike<number>,
  ranker: ArrayLike<number>,
  retrieved: ArrayLike<number>,
  relevant: ArrayLike<number>,
): ListGuarantee {
  const n = towers.length;
  const [logP, logQ] = [logSoftmax(ranker), logSoftmax(towers)];
  let kept = 0;
  let worst = Number.POSITIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    if (!retrieved[i]) continue;
    kept++;
    worst = Math.min(worst, towers[i]!);
  }
  const even = 1 / (kept + 1);
  let divergence = 0;
  let irretrievable = 0;
  let leastShare = Number.POSITIVE_INFINITY;
  let lostShare = 0;
  for (let i = 0; i < n; i++) {
    const p = Math.exp(logP[i]!);
    if (p > 0) divergence += p * (logP[i]! - logQ[i]!);
    if (!retrieved[i] && towers[i]! > worst) {
      throw new RangeError(`listGuarantee: place ${i} scores ${towers[i]} and is not retrieved, one of ${worst} is`);
    }
    if (!relevant[i]) continue;
    leastShare = Math.min(leastShare, p);
    if (retrieved[i]) continue;
    irretrievable++;
    lostShare += p - even;
  }
  if (leastShare === Number.POSITIVE_INFINITY) throw new RangeError('listGuarantee: no place is relevant');
  // Rounding must not make a divergence of equal distributions negative.
  divergence = Math.max(0, divergence);
  const margin = leastShare - even;
  const bound = margin > LEAST_MARGIN ? Math.sqrt(divergence / 2) / margin : Number.POSITIVE_INFINITY;
  return { irretrievable, divergence, leastShare, bound, lostShare };
}

/** The guarantees over requests. */
export interface Guarantees {
  requests: number;
  /** K */
  retrieved: number;
  /** Means of |U|, ε and μ over the requests. */
  irretrievable: number;
  divergence: number;
  leastShare: number;
  /** Requests with μ > 1/(K+1): only there does the bound on |U| say anything. */
  bounded: number;
  /** Over these: the mean bound and the mean |U|; null where there is none. */
  bound: number | null;
  irretrievableWhereBounded: number | null;
  /** Means over all requests of what the lost items' shares exceed 1/(K+1) by, and of √(ε/2), which bounds it always. */
  lostShare: number;
  pinsker: number;
  /** Requests in which a measured value is above its bound: a fault of the program, never of the model. */
  violations: number;
}

/** |U| is a whole number, so that what rounding makes of its bound is far below this. */
const COUNT_TOLERANCE = 0.1;
const SHARE_TOLERANCE = 1e-6;

/** Gathers the guarantees of single lists. @param retrieved K */
export function summarizeGuarantees(lists: readonly ListGuarantee[], retrieved: number): Guarantees {
  const mean = (of: readonly ListGuarantee[], value: (list: ListGuarantee) => number) =>
    of.reduce((sum, list) => sum + value(list), 0) / of.length;
  const bounded = lists.filter(({ bound }) => Number.isFinite(bound));
  const pinsker = ({ divergence }: ListGuarantee) => Math.sqrt(divergence / 2);
  return {
    requests: lists.length,
    retrieved,
    irretrievable: mean(lists, (list) => list.irretrievable),
    divergence: mean(lists, (list) => list.divergence),
    leastShare: mean(lists, (list) => list.leastShare),
    bounded: bounded.length,
    bound: bounded.length === 0 ? null : mean(bounded, (list) => list.bound),
    irretrievableWhereBounded: bounded.length === 0 ? null : mean(bounded, (list) => list.irretrievable),
    lostShare: mean(lists, (list) => list.lostShare),
    pinsker: mean(lists, pinsker),
    violations: lists.filter(
      (list) => list.irretrievable > list.bound + COUNT_TOLERANCE || list.lostShare > pinsker(list) + SHARE_TOLERANCE,
    ).length,
  };
}

function logSoftmax(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores);
  const highest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = values.reduce((total, value) => total + Math.exp(value - highest), 0);
  return values.map((value) => value - highest - Math.log(sum));
}
