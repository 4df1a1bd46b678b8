import {
  add,
  flatten,
  inScope,
  matMul,
  multiply,
  parameter,
  relu,
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
    const scaled = multiply(user, 1 / Math.sqrt(width(user)));
    if (scorer === 'sum-max') return add(maxSim(scaled, item), parameter('level', [1], zeros));
    const similarity = matMul(scaled, item, { transposeB: true });
    const hidden = scorer === 'lss' ? rowsThenColumns(similarity, units) : oneLayer(similarity, units);
    return squeeze(dense('output', hidden, 1), -1);
  });
}

/** The Lightweight Similarity Scorer: one layer for all rows of S [C, H_u, H_v], then one for all columns: [C, r·r]. */
function rowsThenColumns(similarity: Tensor, units: number): Tensor {
  const rows = relu(dense('row', similarity, units, { initialize: heNormal }));
  const columns = relu(dense('column', transpose(rows, [0, 2, 1]), units, { initialize: heNormal }));
  return flatten(columns);
}

/** As many hidden units, each seeing all of S: [C, r·r]. */
function oneLayer(similarity: Tensor, units: number): Tensor {
  return inScope('flattened', () => relu(dense('dense', flatten(similarity), units * units, { initialize: heNormal })));
}
