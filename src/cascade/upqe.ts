/**
 * One number for a whole funnel out of retrieval quality, ranking quality and time. The name UPQE is from the paper on LT-TTD
 * (Abraich, 2025, arXiv 2505.04434), whose formula is not public: this reading is ours, and its values cannot be compared with
 * the paper's. Hence `UPQE_ours` wherever it is printed, always beside the three numbers it is made of.
 */
export interface UpqeOurs {
  /** ρ: recall of retrieval. */
  retrieval: number;
  /** ν: NDCG of the final list over all relevant items, found or not. */
  ranking: number;
  /** κ = 1 / (1 + t / t_ref). */
  efficiency: number;
  /** 0.4·ρ + 0.4·ν + 0.2·κ */
  arithmetic: number;
  /** ρ^0.4 · ν^0.4 · κ^0.2: collapses when one of the three does. */
  geometric: number;
  /** π: final NDCG / the best that any order of the same retrieved items could reach; what is lost behind retrieval. */
  propagation: number;
}

const WEIGHTS = { retrieval: 0.4, ranking: 0.4, efficiency: 0.2 };

/**
 * @param recall ρ, 0 to 1
 * @param ndcg ν, 0 to 1
 * @param ceiling the highest NDCG that the retrieved items allow
 * @param milliseconds t, the 95th percentile over requests
 * @param budget t_ref, milliseconds a request may take, above 0
 */
export function upqeOurs(
  recall: number,
  ndcg: number,
  ceiling: number,
  milliseconds: number,
  budget: number,
): UpqeOurs {
  if (!(budget > 0)) throw new RangeError(`upqeOurs: the budget is ${budget} ms`);
  const parts = { retrieval: recall, ranking: ndcg, efficiency: 1 / (1 + milliseconds / budget) };
  const names = ['retrieval', 'ranking', 'efficiency'] as const;
  return {
    ...parts,
    arithmetic: names.reduce((sum, name) => sum + WEIGHTS[name] * parts[name], 0),
    geometric: names.reduce((product, name) => product * parts[name] ** WEIGHTS[name], 1),
    // Where nothing relevant was retrieved, nothing is lost behind retrieval.
    propagation: ceiling === 0 ? 1 : ndcg / ceiling,
  };
}
