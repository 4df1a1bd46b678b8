import {
  add,
  expandDims,
  flatten,
  inScope,
  isTraining,
  matMul,
  multiply,
  parameter,
  product,
  reduceSum,
  relu,
  reshape,
  shared,
  squeeze,
  type Tensor,
  transpose,
  width,
} from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { heNormal, zeros } from '../../nn/initializers.js';
import { innerProduct, maxSim } from '../../nn/similarity.js';

export const SCORERS = ['lss', 'flattened', 'sum-max', 'dot'] as const;
export type Scorer = (typeof SCORERS)[number];

/**
 * Logits [C] of users and items that broadcast: heads [C, H_u, p] and [C, H_v, p], for `dot` vectors [C, d], compared as they are.
 * @param units r, the width of the fully connected layers
 */
export function similarityScore(scorer: Scorer, user: Tensor, item: Tensor, units: number): Tensor {
  return shared('similarityScorer', () => {
    if (scorer === 'dot') return add(innerProduct(user, item), parameter('level', [1], zeros));
    // A constant factor on S keeps the first scores small; the weights can undo it.
    const factor = 1 / Math.sqrt(width(user));
    if (scorer === 'sum-max') return add(maxSim(multiply(user, factor), item), parameter('level', [1], zeros));
    const similarity = similarities(user, item, factor);
    const hidden = scorer === 'lss' ? rowsThenColumns(similarity, units) : oneLayer(similarity, units);
    return squeeze(dense('output', hidden, 1), -1);
  });
}

/** Up to so many pairs of heads are multiplied one by one when serving. */
const FEW_PAIRS = 4;

/** S = factor · user · itemᵀ: [C, H_u, H_v]. */
function similarities(user: Tensor, item: Tensor, factor: number): Tensor {
  if (isTraining() || width(user, -2) * width(item, -2) > FEW_PAIRS) {
    return matMul(multiply(user, factor), item, { transposeB: true });
  }
  // A matrix product of two by two heads takes longer to begin than to do: one product of all elements takes two thirds of the time.
  return multiply(reduceSum(multiply(expandDims(user, -2), expandDims(item, -3)), -1), factor);
}

/** The Lightweight Similarity Scorer: one layer for all rows of S [C, H_u, H_v], then one for all columns: [C, r·r]. */
function rowsThenColumns(similarity: Tensor, units: number): Tensor {
  const rows = reluLayer('row', similarity, units);
  return flatten(reluLayer('column', transpose(rows, [0, 2, 1]), units));
}

/** relu(x·W + b): [C, H, in] → [C, H, units]. */
function reluLayer(name: string, x: Tensor, units: number): Tensor {
  const options = { initialize: heNormal };
  if (isTraining()) return relu(dense(name, x, units, options));
  // Of a matrix, ONNX Runtime makes product, bias and relu one pass, in half the time.
  const rows = reshape(x, [product(x.shape.slice(0, -1)), width(x)]);
  return reshape(relu(dense(name, rows, units, options)), [...x.shape.slice(0, -1), units], x);
}

/** As many hidden units, each seeing all of S: [C, r·r]. */
function oneLayer(similarity: Tensor, units: number): Tensor {
  return inScope('flattened', () => relu(dense('dense', flatten(similarity), units * units, { initialize: heNormal })));
}
