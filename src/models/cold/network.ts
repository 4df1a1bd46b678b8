import {
  add,
  expandDims,
  flatten,
  inScope,
  log,
  matMul,
  maximum,
  minimum,
  multiply,
  negate,
  parameter,
  relu,
  reshape,
  squeeze,
  subtract,
  type Tensor,
  width,
} from '../../graph/index.js';
import { dropout } from '../../nn/dropout.js';
import { normal, zeros } from '../../nn/initializers.js';
import { batchNorm } from '../../nn/normalization.js';

export const NORMALIZATIONS = ['none', 'batch', 'linear-log'] as const;

/** x between −1 and 1, beyond that ±(log|x| + 1). */
export function linearLog(x: Tensor): Tensor {
  const inner = maximum(minimum(x, 1), -1);
  return add(inner, subtract(log(maximum(x, 1)), log(maximum(negate(x), 1))));
}

export interface LayerOptions {
  normalization: (typeof NORMALIZATIONS)[number];
  dropout: number;
}

/** Normalisation, ReLU and dropout of a layer's sums. */
export function hiddenLayer(sums: Tensor, options: LayerOptions): Tensor {
  let y = sums;
  if (options.normalization === 'batch') y = batchNorm('norm', y);
  if (options.normalization === 'linear-log') y = linearLog(y);
  return dropout(relu(y), options.dropout);
}

/** ⟨e_u, e_v⟩ of every user field with every item field: [N, S_v·S_u], where one side may be a single row. */
export function crossProducts(user: Tensor, item: Tensor): Tensor {
  return flatten(matMul(item, user.shape[0] === 1 ? squeeze(user, 0) : user, { transposeB: true }));
}

/** One piece of the first layer's input: fields [rows, S, e] with their gates [rows', S], or plain numbers [rows, n]. */
export interface Piece {
  name: string;
  values: Tensor;
  gates?: Tensor | undefined;
}

/**
 * W·[pieces] + b, one product for each piece, so that those of a single request are made once for all its candidates. A single
 * row of fields is multiplied by its weights before its gates: S products a candidate then stand for S·e.
 */
export function firstLayer(pieces: readonly Piece[], units: number): Tensor {
  const inputs = pieces.reduce((total, { values }) => total + sizeOf(values), 0);
  const initialize = normal(Math.sqrt(2 / inputs));
  const sums = pieces.map(({ name, values, gates }) => {
    const weight = inScope(name, () => parameter('weight', [sizeOf(values), units], initialize));
    if (gates === undefined) return matMul(flatten(values), weight);
    const [S, e] = [width(values, 1), width(values)];
    if (values.shape[0] !== 1) return matMul(flatten(multiply(values, expandDims(gates, -1))), weight);
    const projected = matMul(reshape(values, [S, 1, e]), reshape(weight, [S, e, units]));
    return matMul(gates, reshape(projected, [S, units]));
  });
  return add(sums.reduce(add), parameter('bias', [units], zeros));
}

function sizeOf(values: Tensor): number {
  return width(flatten(values));
}
