import {
  abs,
  add,
  and,
  constant,
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
  softmax,
  subtract,
  type Tensor,
  topK,
  where,
  width,
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
  const n = width(scores);
  const { mask } = options;
  const gaps = abs(subtract(expandDims(scores, -1), expandDims(scores, -2)));
  const counted = mask === undefined ? gaps : multiply(gaps, expandDims(indicator(mask), -2));
  const spread = expandDims(reduceSum(counted, -1), -2);
  const count = mask === undefined ? scalar(n) : expandDims(reduceSum(indicator(mask), -1, true), -1);
  const factor = subtract(add(count, 1), multiply(ranks(n), 2));
  return relax(subtract(multiply(factor, expandDims(scores, -2)), spread), n, options);
}

/**
 * SoftSort (Prillo and Eisenschlos, 2020, equation 3): P̂_i = softmax_j(−|s_[i] − s_j| / τ), where s_[i] is the
 * i-th largest score. Rows, columns and masks as in `neuralSort`; cheaper, since it compares with n sorted scores
 * instead of summing n gaps.
 */
export function softSort(scores: Tensor, options: SoftPermutationOptions = {}): Tensor {
  const n = width(scores);
  const { mask } = options;
  const present = mask === undefined ? scores : where(mask, scores, scalar(LOWEST));
  const sorted = expandDims(topK(present, n), -1);
  const finite = mask === undefined ? sorted : where(rowMask(mask, n), sorted, scalar(0));
  return relax(negate(abs(subtract(finite, expandDims(scores, -2)))), n, options);
}

/** 1 … n as a column [n, 1]. */
function ranks(n: number): Tensor {
  return constant(
    Array.from({ length: n }, (_, i) => i + 1),
    [n, 1],
  );
}

/** bool [..., n, 1]: the first m rows, m the number of scores that exist. */
function rowMask(mask: Tensor, n: number): Tensor {
  const count = expandDims(reduceSum(indicator(mask), -1, true), -1);
  return less(ranks(n), add(count, 0.5));
}

function relax(
  logits: Tensor,
  n: number,
  { temperature = 1, mask, logarithm = false }: SoftPermutationOptions,
): Tensor {
  const normalize = logarithm ? logSoftmax : softmax;
  const scaled = divide(logits, temperature);
  if (mask === undefined) return normalize(scaled);
  const columns = expandDims(mask, -2);
  const rows = normalize(where(columns, scaled, scalar(LOWEST)));
  return where(and(columns, rowMask(mask, n)), rows, scalar(0));
}

/**
 * The hard permutation matrix that sorts the scores downwards, lower index first among equals: a target for the
 * relaxed ones, [..., n] → [..., n, n]. No gradient. With a mask, padded rows and columns are 0.
 */
export function hardPermutation(scores: Tensor, mask?: Tensor): Tensor {
  const n = width(scores);
  const column = expandDims(scores, -1);
  const row = expandDims(scores, -2);
  // Entry [j, l] of `before`: item l stands before item j.
  const earlier = constant(
    Array.from({ length: n * n }, (_, i) => (i % n < Math.floor(i / n) ? 1 : 0)),
    [n, n],
    'bool',
  );
  const before = indicator(or(greater(row, column), and(earlier, equal(row, column))));
  const counted = mask === undefined ? before : multiply(before, expandDims(indicator(mask), -2));
  const position = expandDims(reduceSum(counted, -1), -2);
  const hit = less(abs(subtract(position, subtract(ranks(n), 1))), 0.5);
  return indicator(mask === undefined ? hit : and(hit, expandDims(mask, -2)));
}
