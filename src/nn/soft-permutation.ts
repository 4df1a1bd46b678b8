import {
  abs,
  add,
  and,
  broadcastTo,
  constant,
  cumulativeSum,
  divide,
  equal,
  expandDims,
  greater,
  indicator,
  less,
  logSoftmax,
  multiply,
  negate,
  type Operand,
  or,
  reduceSum,
  scalar,
  sizeOf,
  softmax,
  squeeze,
  stopGradient,
  subtract,
  type Tensor,
  topK,
  where,
} from '../graph/index.js';
import { LOWEST } from './masked-softmax.js';

export interface SoftPermutationOptions {
  /** τ, a number or a scalar; towards 0 the matrix becomes the hard permutation that sorts the scores downwards. */
  temperature?: Operand;
  /** bool [..., n]: which scores exist. */
  mask?: Tensor;
  /** Gives log P̂ instead of P̂, with 0 where the mask makes P̂ zero, so that P·log P̂ stays finite. */
  logarithm?: boolean;
}

/**
 * NeuralSort (Grover et al., 2019, equation 5): P̂_i = softmax_j(((m+1−2i)·s_j − Σ_l |s_j − s_l|) / τ), i = 1 … m,
 * where m counts the scores that exist.
 *
 * The relaxed permutation is row-stochastic: P̂_ij says how far item j is the i-th largest. With a mask the columns
 * of items that do not exist are 0, and so are the rows after the m-th.
 * @param scores [..., n]
 * @returns [..., n, n]
 */
export function neuralSort(scores: Tensor, options: SoftPermutationOptions = {}): Tensor {
  const { mask } = options;
  const gaps = abs(subtract(expandDims(scores, -1), expandDims(scores, -2)));
  const counted = mask === undefined ? gaps : multiply(gaps, expandDims(indicator(mask), -2));
  const spread = expandDims(reduceSum(counted, -1), -2);
  const count = mask === undefined ? sizeOf(scores, -1) : expandDims(reduceSum(indicator(mask), -1, true), -1);
  const factor = subtract(add(count, 1), multiply(ranks(scores), 2));
  return relax(subtract(multiply(factor, expandDims(scores, -2)), spread), scores, options);
}

/**
 * SoftSort (Prillo and Eisenschlos, 2020, equation 3): P̂_i = softmax_j(−|s_[i] − s_j| / τ), where s_[i] is the
 * i-th largest score. Rows, columns and masks as in `neuralSort`; cheaper, since it compares with n sorted scores
 * instead of summing n gaps.
 */
export function softSort(scores: Tensor, options: SoftPermutationOptions = {}): Tensor {
  const { mask } = options;
  const sorted = expandDims(sortedDownwards(scores, mask), -1);
  const finite = mask === undefined ? sorted : where(rowMask(mask, scores), sorted, scalar(0));
  return relax(negate(abs(subtract(finite, expandDims(scores, -2)))), scores, options);
}

/** The scores that exist, the largest first, and then anything. */
function sortedDownwards(scores: Tensor, mask?: Tensor): Tensor {
  const n = scores.shape.at(-1);
  if (typeof n === 'number') return topK(mask === undefined ? scores : where(mask, scores, scalar(LOWEST)), n);
  // ONNX would want to know how many to sort.
  const order = hardPermutation(stopGradient(scores), mask);
  return reduceSum(multiply(order, expandDims(scores, -2)), -1);
}

/** 1 … n as a column [n, 1], or [..., n, 1] where n is known only at run time. */
function ranks(scores: Tensor): Tensor {
  const n = scores.shape.at(-1);
  if (typeof n === 'number') {
    return constant(
      Array.from({ length: n }, (_, i) => i + 1),
      [n, 1],
    );
  }
  const one = constant(
    [1],
    scores.shape.map(() => 1),
  );
  return expandDims(cumulativeSum(broadcastTo(one, scores.shape, scores)), -1);
}

/** bool [..., n, 1]: the first m rows, m the number of scores that exist. */
function rowMask(mask: Tensor, scores: Tensor): Tensor {
  const count = expandDims(reduceSum(indicator(mask), -1, true), -1);
  return less(ranks(scores), add(count, 0.5));
}

function relax(
  logits: Tensor,
  scores: Tensor,
  { temperature = 1, mask, logarithm = false }: SoftPermutationOptions,
): Tensor {
  const normalize = logarithm ? logSoftmax : softmax;
  const scaled = divide(logits, temperature);
  if (mask === undefined) return normalize(scaled);
  const columns = expandDims(mask, -2);
  const rows = normalize(where(columns, scaled, scalar(LOWEST)));
  return where(and(columns, rowMask(mask, scores)), rows, scalar(0));
}

/**
 * The hard permutation matrix that sorts the scores downwards, lower index first among equals: a target for the
 * relaxed ones, [..., n] → [..., n, n]. No gradient. With a mask, padded rows and columns are 0.
 */
export function hardPermutation(scores: Tensor, mask?: Tensor): Tensor {
  const column = expandDims(scores, -1);
  const row = expandDims(scores, -2);
  const rank = ranks(scores);
  // Entry [j, l] of `before`: item l stands before item j.
  const earlier = greater(rank, expandDims(squeeze(rank, -1), -2));
  const before = indicator(or(greater(row, column), and(earlier, equal(row, column))));
  const counted = mask === undefined ? before : multiply(before, expandDims(indicator(mask), -2));
  const position = expandDims(reduceSum(counted, -1), -2);
  const hit = less(abs(subtract(position, subtract(rank, 1))), 0.5);
  return indicator(mask === undefined ? hit : and(hit, expandDims(mask, -2)));
}
