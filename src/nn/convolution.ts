import { TwoTowerError } from '../errors.js';
import {
  add,
  concat,
  constant,
  currentScope,
  type Initializer,
  inScope,
  matMul,
  pad,
  parameter,
  product,
  reduceMax,
  reshape,
  type Tensor,
  width,
  windows,
} from '../graph/index.js';
import { glorotUniform, zeros } from './initializers.js';

export interface ConvolutionOptions {
  /** Positions that one output sees. */
  kernel: number;
  /** `valid`: only whole windows, L − kernel + 1 outputs. `same`: zeros around the list, L outputs. */
  padding?: 'valid' | 'same';
  bias?: boolean;
  initialize?: Initializer;
}

/**
 * 1-D convolution over the second to last axis, as one matrix product of the windows laid flat: y_t = Σ_k
 * x_{t+k}·W_k + b, [..., L, in] → [..., L', units]. The weight [kernel·in, units] has the rows of W_0, then W_1, …
 */
export function convolution(name: string, x: Tensor, units: number, options: ConvolutionOptions): Tensor {
  const { kernel, padding = 'valid', bias = true, initialize = glorotUniform } = options;
  return inScope(name, () => {
    const before = Math.floor((kernel - 1) / 2);
    const padded = padding === 'same' ? pad(x, -2, before, kernel - 1 - before) : x;
    const seen = kernel === 1 ? padded : windows(padded, kernel);
    const leading = [...x.shape.slice(0, -2), width(padded, -2) - kernel + 1];
    // With the bias added to plain rows ONNX Runtime takes both for one product.
    const rows = reshape(seen, [product(leading), kernel * width(x)]);
    const made = matMul(rows, parameter('weight', [kernel * width(x), units], initialize));
    const result = bias ? add(made, parameter('bias', [units], zeros)) : made;
    return reshape(result, [...leading, units], x);
  });
}

/** The larger of each two neighbours: [..., 2L, c] → [..., L, c]. */
export function maxPoolPairs(x: Tensor): Tensor {
  const length = width(x, -2);
  if (length % 2 !== 0) {
    throw new TwoTowerError('GRAPH_SHAPE', `${currentScope()}: a list of ${length} does not divide into pairs`);
  }
  return reduceMax(reshape(x, [...x.shape.slice(0, -2), length / 2, 2, width(x)]), -2);
}

/** Each position twice: [..., L, c] → [..., 2L, c]. */
export function repeatPairs(x: Tensor): Tensor {
  return reshape(concat([x, x]), x.shape.with(-2, 2 * width(x, -2)));
}

/**
 * Continues the list on both sides by its mirror image, the edge element included: `b a | a b c d | d c`.
 * [..., L, c] → [..., before + L + after, c]; neither side may be longer than the list.
 */
export function mirrorPad(x: Tensor, before: number, after: number): Tensor {
  const length = width(x, -2);
  if (before > length || after > length) {
    throw new TwoTowerError(
      'GRAPH_SHAPE',
      `${currentScope()}: a list of ${length} cannot be mirrored ${before} positions before and ${after} after`,
    );
  }
  const total = before + length + after;
  const source = (position: number) => {
    const shifted = position - before;
    if (shifted < 0) return -shifted - 1;
    return shifted < length ? shifted : 2 * length - 1 - shifted;
  };
  // A product with a selection of rows: one node forward and one back, where slices would be one for each mirrored
  // position.
  const selection = new Array<number>(total * length).fill(0);
  for (let position = 0; position < total; position++) selection[position * length + source(position)] = 1;
  return matMul(constant(selection, [total, length]), x);
}
