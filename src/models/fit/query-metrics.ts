import {
  add,
  constant,
  equal,
  expandDims,
  greater,
  indicator,
  log,
  multiply,
  negate,
  reduceMax,
  reduceMean,
  reduceSum,
  type Tensor,
} from '../../graph/index.js';
import { cosine } from '../../nn/similarity.js';
import type { MetaQueryModule } from './meta-query.js';

/**
 * How far training is from serving, and how the items of a batch share the hard queries.
 *
 * - `agreement`: mean cosine of soft and hard query (the paper's QS); 1 when they have become the same.
 * - `queriesUsed`: how many hard queries stand for some item.
 * - `queryEntropy`: −Σ share·log share over the hard queries; log N when all are used alike, 0 when one is used alone.
 * - `largestShare`: the share of items with the most used one.
 *
 * @param soft [I, D]
 * @param index int32 [I]
 */
export function queryMetrics(module: MetaQueryModule, soft: Tensor, index: Tensor): Record<string, Tensor> {
  const share = reduceMean(chosen(index, module.queries), 0);
  const entropy = negate(reduceSum(multiply(share, log(add(share, 1e-12)))));
  return {
    agreement: reduceMean(cosine(soft, module.hard(index))),
    queryEntropy: entropy,
    queriesUsed: reduceSum(indicator(greater(share, 0))),
    largestShare: reduceMax(share, -1),
  };
}

/** One-hot rows: int32 [I] → [I, N]. */
function chosen(index: Tensor, queries: number): Tensor {
  const all = Array.from({ length: queries }, (_, i) => i);
  return indicator(equal(expandDims(index, -1), constant(all, [queries], 'int32')));
}
