import { TwoTowerError } from '../errors.js';
import {
  and,
  constant,
  currentScope,
  expandDims,
  type Initializer,
  inScope,
  matMul,
  multiply,
  reshape,
  type Tensor,
  transpose,
  width,
} from '../graph/index.js';
import { dense } from './dense.js';
import { dropout } from './dropout.js';
import { glorotUniform } from './initializers.js';
import { maskedSoftmax } from './masked-softmax.js';

/** Which keys a query may look at. A query that may look at none gets zeros. */
export interface AttentionMasks {
  /** bool [..., K]: which keys exist (padding). */
  keys?: Tensor;
  /** bool [Q, K] or [..., Q, K]: which query may see which key. */
  pairs?: Tensor;
  /** Hides from each position its own key; queries and keys must be one list of known length. */
  excludeSelf?: boolean;
}

export interface AttentionOptions extends AttentionMasks {
  /** Factor of the inner products; 1/√(width of a key) unless given. */
  scale?: number;
  /** Dropout rate of the attention weights. */
  dropout?: number;
}

/** All masks in one that broadcasts against [..., Q, K]. */
function combineMasks(
  keyCount: () => number,
  { keys, pairs, excludeSelf = false }: AttentionMasks,
): Tensor | undefined {
  const masks: Tensor[] = [];
  if (keys !== undefined) masks.push(expandDims(keys, -2));
  if (pairs !== undefined) masks.push(pairs);
  if (excludeSelf) masks.push(offDiagonal(keyCount()));
  return masks.length === 0 ? undefined : masks.reduce(and);
}

/** bool [n, n]: false on the diagonal. */
export function offDiagonal(n: number): Tensor {
  const values = Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 0 : 1));
  return constant(values, [n, n], 'bool');
}

/**
 * Scaled dot-product attention softmax(QKᵀ·scale)·V (Vaswani et al., 2017, section 3.2.1).
 * @param query [..., Q, d]
 * @param keys [..., K, d]
 * @param values [..., K, v]
 * @returns [..., Q, v]; the leading axes broadcast, so that one user [1, …] meets items [N, …]
 */
export function attend(query: Tensor, keys: Tensor, values: Tensor, options: AttentionOptions = {}): Tensor {
  const mask = combineMasks(() => width(keys, -2), options);
  return weigh(query, keys, values, mask, options);
}

function weigh(
  query: Tensor,
  keys: Tensor,
  values: Tensor,
  mask: Tensor | undefined,
  options: AttentionOptions,
): Tensor {
  const scale = options.scale ?? 1 / Math.sqrt(width(keys));
  const scores = matMul(multiply(query, scale), keys, { transposeB: true });
  return matMul(dropout(maskedSoftmax(scores, mask), options.dropout ?? 0), values);
}

/** [..., T, heads·d] → [..., heads, T, d] */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const size = width(x);
  if (size % heads !== 0) {
    throw new TwoTowerError('GRAPH_SHAPE', `${currentScope()}: a width of ${size} does not divide into ${heads} heads`);
  }
  return swapHeads(reshape(x, [...x.shape.slice(0, -1), heads, size / heads]));
}

/** [..., heads, T, d] → [..., T, heads·d] */
export function mergeHeads(x: Tensor): Tensor {
  const swapped = swapHeads(x);
  return reshape(swapped, [...swapped.shape.slice(0, -2), width(swapped, -2) * width(swapped)]);
}

function swapHeads(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  const rank = axes.length;
  return transpose(x, axes.with(rank - 3, rank - 2).with(rank - 2, rank - 3));
}

/**
 * Attention of each head by itself over projected tensors [..., T, heads·d], the heads side by side: [..., Q,
 * heads·v].
 */
export function attendHeads(
  query: Tensor,
  keys: Tensor,
  values: Tensor,
  heads: number,
  options: AttentionOptions = {},
): Tensor {
  const mask = combineMasks(() => width(keys, -2), options);
  // A mask of [Q, K] fits all leading axes as it is; one with leading axes needs a place for the heads.
  const perHead = mask !== undefined && mask.shape.length > 2 ? expandDims(mask, -3) : mask;
  const [q, k, v] = [query, keys, values].map((t) => splitHeads(t, heads)) as [Tensor, Tensor, Tensor];
  return mergeHeads(weigh(q, k, v, perHead, options));
}

export interface MultiHeadAttentionOptions extends AttentionOptions {
  heads: number;
  /** Width of all heads together; the width of the query unless given. */
  width?: number;
  /**
   * Width of the result, or `false` to leave the heads side by side without output projection; the query's unless
   * given.
   */
  output?: number | false;
  /** Whether the projections have biases. */
  bias?: boolean;
  initialize?: Initializer;
}

/**
 * Multi-head attention (Vaswani et al., 2017, section 3.2.2) with parameters `query`, `key`, `value` and `output`.
 * @param query [..., Q, d]
 * @param source [..., K, d'], what is attended to; the query itself for self-attention
 * @returns [..., Q, output]
 */
export function multiHeadAttention(
  name: string,
  query: Tensor,
  source: Tensor,
  options: MultiHeadAttentionOptions,
): Tensor {
  const { heads, width: size = width(query), output = width(query), bias = true, initialize = glorotUniform } = options;
  return inScope(name, () => {
    const projected = attendHeads(
      dense('query', query, size, { bias, initialize }),
      dense('key', source, size, { bias, initialize }),
      dense('value', source, size, { bias, initialize }),
      heads,
      options,
    );
    return output === false ? projected : dense('output', projected, output, { bias, initialize });
  });
}
