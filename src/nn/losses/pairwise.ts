import { and, expandDims, indicator, subtract, type Tensor } from '../../graph/index.js';
import { bothThere, isAbove, type ListView } from './lists.js';

/**
 * Every two positions of a list of which one is better.
 * @returns `gaps` [B, L, L]: entry [i, j] is s_i − s_j; `ordered` [B, L, L]: 1 where i is better than j, else 0
 */
export function orderedPairs({ scores, relevance, mask }: ListView): { gaps: Tensor; ordered: Tensor } {
  return {
    gaps: subtract(expandDims(scores, -1), expandDims(scores, -2)),
    ordered: indicator(and(isAbove(relevance), bothThere(mask))),
  };
}
