import {
  divide,
  expandDims,
  greater,
  indicator,
  inScope,
  matMul,
  maximum,
  reduceMax,
  reduceSum,
  scalar,
  squeeze,
  type Tensor,
  tanh,
  transpose,
  where,
} from '../graph/index.js';
import { dense } from './dense.js';
import { LOWEST, maskedSoftmax } from './masked-softmax.js';

/**
 * Pooling of padded lists: `values` [..., L, d] where `mask`, bool [..., L], says which positions hold something.
 * An empty list gives zeros.
 */
export function maskedSum(values: Tensor, mask: Tensor): Tensor {
  return weightedSum(indicator(mask), values);
}

/** Mean of the positions that hold something: [..., d]. */
export function maskedMean(values: Tensor, mask: Tensor): Tensor {
  const count = reduceSum(indicator(mask), -1, true);
  return divide(maskedSum(values, mask), maximum(count, 1));
}

/** Largest value of each column among the positions that hold something: [..., d]. */
export function maskedMax(values: Tensor, mask: Tensor): Tensor {
  const filled = where(expandDims(mask, -1), values, scalar(LOWEST));
  const some = greater(reduceSum(indicator(mask), -1, true), 0);
  return where(some, reduceMax(filled, -2), scalar(0));
}

/**
 * Σ_j w_j v_j: weights [..., L] and values [..., L, d] → [..., d], as a matrix product. Where the axis of the
 * values before L is the literal 1, one list serves all rows of weights: [N, L] with [1, L, d] → [N, d].
 */
export function weightedSum(weights: Tensor, values: Tensor): Tensor {
  if (values.shape.length === 2 && weights.shape.length === 2) return matMul(weights, values);
  if (values.shape.at(-3) === 1 && weights.shape.length > 1) return matMul(weights, squeeze(values, -3));
  return squeeze(matMul(expandDims(weights, -2), values), -2);
}

export interface AttentionPoolingOptions {
  /** Units of a tanh layer before the scores (Lin et al., 2017); without it the scores are linear in the values. */
  hidden?: number;
  /** Number of weightings, each with its own pooled vector: the result is then [..., heads, d]. */
  heads?: number;
}

/**
 * Additive attention pooling: Σ_j softmax_j(wᵀh_j)·h_j, or wᵀtanh(W h_j + b) with `hidden`; padding gets no weight,
 * an empty list gives zeros.
 * @param values [..., L, d]
 * @param mask bool [..., L]
 * @returns [..., d], or [..., heads, d] where `heads` is given
 */
export function attentionPooling(
  name: string,
  values: Tensor,
  mask?: Tensor,
  { hidden, heads }: AttentionPoolingOptions = {},
): Tensor {
  return inScope(name, () => {
    const features = hidden === undefined ? values : tanh(dense('hidden', values, hidden));
    // A bias would be the same for all positions and vanish in the softmax.
    const scores = dense('score', features, heads ?? 1, { bias: false });
    if (heads === undefined) return weightedSum(maskedSoftmax(squeeze(scores, -1), mask), values);
    const axes = scores.shape.map((_, axis) => axis);
    const rank = axes.length;
    const perHead = transpose(scores, axes.with(rank - 2, rank - 1).with(rank - 1, rank - 2));
    return matMul(maskedSoftmax(perHead, mask && expandDims(mask, -2)), values);
  });
}
