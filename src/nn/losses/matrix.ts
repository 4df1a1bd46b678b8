import { TwoTowerError } from '../../errors.js';
import {
  add,
  apply,
  cast,
  currentScope,
  exp,
  expandDims,
  gatherAlong,
  greater,
  indicator,
  log,
  multiply,
  reciprocal,
  reduceMax,
  reduceSum,
  reshape,
  scatterAlongOp,
  sizeOf,
  squeeze,
  subtract,
  type Tensor,
  withGradient,
} from '../../graph/index.js';
import { LOWEST } from '../masked-softmax.js';
import type { LossContext } from './loss.js';

/** The matrix of a context, which the registry promises to losses that need it. */
export function requireMatrix({ similarity }: LossContext): Tensor {
  if (similarity === undefined) {
    throw new TwoTowerError(
      'GRAPH_SHAPE',
      `${currentScope()}: this loss needs the similarity of all requests and items`,
    );
  }
  return similarity;
}

/** Places of the pairs in the flattened matrix: int32 [1, P]. */
export function places(matrix: Tensor, { request, itemRow }: LossContext): Tensor {
  return expandDims(add(multiply(request, cast(sizeOf(matrix, 1), 'int32')), itemRow), 0);
}

/** The entries of a matrix [B, I] at the pairs: [P]. */
export function atPairs(matrix: Tensor, context: LossContext): Tensor {
  return squeeze(gatherAlong(reshape(matrix, [1, -1]), places(matrix, context)), 0);
}

/**
 * The matrix with `LOWEST` added where the item is a positive of the request. A sum costs fewer passes than a
 * selection.
 */
export function withoutPositives(matrix: Tensor, context: LossContext): Tensor {
  const penalties = expandDims(multiply(positives(context), LOWEST), 0);
  const spread = apply(scatterAlongOp, [penalties, places(matrix, context), reshape(matrix, [1, -1])]);
  return add(matrix, reshape(spread, matrix.shape, matrix));
}

/** 1 for pairs with a label above 0, else 0: [P]. */
export function positives({ label }: LossContext): Tensor {
  return indicator(greater(label, 0));
}

/**
 * log Σ_j e^{x_j} over the last axis, stable for large values. The gradient is written out: it uses the
 * exponentials again and spreads them in one pass.
 */
export function logSumExp(x: Tensor): Tensor {
  const max = reduceMax(x, -1, true);
  const exponentials = exp(subtract(x, max));
  const total = reduceSum(exponentials, -1, true);
  return withGradient(squeeze(add(log(total), max), -1), [x], (upstream) => [
    multiply(exponentials, multiply(expandDims(upstream, -1), reciprocal(total))),
  ]);
}
