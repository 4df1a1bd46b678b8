import {
  argMax,
  constant,
  divide,
  equal,
  expandDims,
  gather,
  greater,
  indicator,
  matMul,
  maximum,
  multiply,
  reduceSum,
  reshape,
  square,
  subtract,
  type Tensor,
  width,
} from '../../graph/index.js';

/**
 * Σ_c ‖Cov(P_major) − Cov(P_c)‖² over the categories c with two items at least, where the major category is that with the
 * most items and lower ids go first among equals.
 * @param vectors [I, d], of distinct items
 * @param category int32 [I], below `count`
 * @returns a scalar
 */
export function categoryAlignment(vectors: Tensor, category: Tensor, count: number): Tensor {
  const d = width(vectors);
  const ids = constant(
    Array.from({ length: count }, (_, c) => c),
    [count],
    'int32',
  );
  const belongs = indicator(equal(expandDims(category, -1), ids)); // [I, C]
  const sizes = reduceSum(belongs, 0); // [C]
  const total = expandDims(maximum(sizes, 1), -1);
  const means = divide(matMul(belongs, vectors, { transposeA: true }), total); // [C, d]
  const centred = subtract(vectors, gather(means, category));
  const products = reshape(multiply(expandDims(centred, -1), expandDims(centred, -2)), [vectors.shape[0]!, d * d]);
  const scatter = matMul(belongs, products, { transposeA: true });
  const covariance = divide(scatter, maximum(subtract(expandDims(sizes, -1), 1), 1)); // [C, d²]
  const major = gather(covariance, argMax(expandDims(sizes, 0))); // [1, d²]
  const counted = indicator(greater(sizes, 1));
  return reduceSum(multiply(counted, reduceSum(square(subtract(covariance, major)), -1)));
}
