import { indicator, multiply, scalar, softmax, type Tensor, where } from '../graph/index.js';

/** Stands in for minus infinity: far below any score, yet differences of it are not NaN. */
export const LOWEST = -1e30;

/**
 * Softmax over the last axis among the positions where `mask` holds; exactly 0 elsewhere, and 0 everywhere in a row
 * that has no position at all.
 * @param scores [..., L]
 * @param mask bool, broadcasts against the scores
 */
export function maskedSoftmax(scores: Tensor, mask?: Tensor): Tensor {
  if (mask === undefined) return softmax(scores);
  return multiply(softmax(where(mask, scores, scalar(LOWEST))), indicator(mask));
}
