import { divide, maximum, multiply, reduceSum, type Tensor } from '../../graph/index.js';

/** Σ w·x / Σ w over all elements; 0 where there is no weight at all. */
export function weightedMean(values: Tensor, weights: Tensor): Tensor {
  return divide(reduceSum(multiply(values, weights)), maximum(reduceSum(weights), 1e-12));
}
