import {
  add,
  borrowed,
  inScope,
  matMul,
  multiply,
  parameter,
  reduceSum,
  reshape,
  sigmoid,
  softmax,
  squeeze,
  type Tensor,
  transpose,
  width,
} from '../../graph/index.js';
import { splitHeads } from '../../nn/attention.js';
import { dense } from '../../nn/dense.js';
import { glorotUniform } from '../../nn/initializers.js';
import { layerNorm } from '../../nn/normalization.js';

export interface CrossAttentionOptions {
  /** nₐ; the width of a head divides into them. */
  attentionHeads: number;
  /** Whether G multiplies what is attended to; without it the whole of it is added. */
  attentionGate: boolean;
}

/** What the heads that attend need to know of themselves; made once a row of their side. */
export interface Attending {
  /** The heads' queries, already divided by √(d/nₐ): [rows, K, d], or [rows, nₐ, K, d/nₐ] for more than one attention head. */
  query: Tensor;
  /** G: [rows, K, d] */
  gate?: Tensor;
}

/** What the heads that are attended to offer; made once a row of their side. */
export interface Attended {
  /** As the queries. */
  key: Tensor;
  /** Values with the output projection folded in, V·W_V·W_O: [rows, K, d], or [rows, nₐ, K, d]. */
  value: Tensor;
}

/** @param heads [rows, K, d] */
export function attending(heads: Tensor, { attentionHeads, attentionGate }: CrossAttentionOptions): Attending {
  const d = width(heads);
  const query = split(dense('query', heads, d, { bias: false }), attentionHeads);
  return {
    query: multiply(query, 1 / Math.sqrt(d / attentionHeads)),
    ...(attentionGate && { gate: sigmoid(dense('gate', heads, d)) }),
  };
}

/** @param heads [rows, K, d] */
export function attended(heads: Tensor, { attentionHeads }: CrossAttentionOptions): Attended {
  const d = width(heads);
  const output = inScope('output', () => parameter('weight', [d, d], glorotUniform));
  const perHead = attentionHeads === 1 ? output : reshape(output, [attentionHeads, d / attentionHeads, d]);
  return {
    key: split(dense('key', heads, d, { bias: false }), attentionHeads),
    value: matMul(split(dense('value', heads, d, { bias: false }), attentionHeads), perHead),
  };
}

/**
 * The item's projections on the user's side, where its heads then stand for its keys and queries: a·(b·W)ᵀ = (a·Wᵀ)·bᵀ. It is done
 * once a request and not for every candidate, and of an item there is less to store and to read.
 */
export function foldedIn({ query, key }: { query?: Tensor; key?: Tensor }): { query?: Tensor; key?: Tensor } {
  const ofItem = (projection: string, x: Tensor) => {
    const weight = borrowed(`item/attention/${projection}`, () =>
      parameter('weight', [width(x), width(x)], glorotUniform),
    );
    return matMul(x, weight, { transposeB: true });
  };
  return {
    ...(query && { query: ofItem('key', query) }),
    // What the queries would have been divided by.
    ...(key && { key: multiply(ofItem('query', key), 1 / Math.sqrt(width(key))) }),
  };
}

const split = (x: Tensor, attentionHeads: number) => (attentionHeads === 1 ? x : splitHeads(x, attentionHeads));

/** LayerNorm(heads + G ⊙ A): [rows, K, d], where one side may be a single row that meets all of the other. */
export function crossAttend(heads: Tensor, { query, gate }: Attending, { key, value }: Attended): Tensor {
  const found = weightedValues(softmax(innerProducts(query, key)), value);
  const passed = gate === undefined ? found : multiply(gate, found);
  return layerNorm('norm', add(heads, passed));
}

/** a·bᵀ. One row against many is one matrix product instead of one for each of the many. */
function innerProducts(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length === 3 && a.shape[0] === 1) return transpose(innerProducts(b, a), [0, 2, 1]);
  const one = b.shape.length === 3 && b.shape[0] === 1 ? squeeze(b, 0) : b;
  return matMul(a, one, { transposeB: true });
}

/** The values' sums, weighted, of all attention heads together. */
function weightedValues(weights: Tensor, value: Tensor): Tensor {
  if (value.shape.length === 4) return reduceSum(matMul(weights, value), -3);
  return matMul(weights, value.shape[0] === 1 ? squeeze(value, 0) : value);
}
