import {
  apply,
  broadcastTo,
  cast,
  concat,
  constant,
  divide,
  expandDims,
  indicator,
  inScope,
  lookup,
  matMul,
  maximum,
  multiply,
  product,
  putBack,
  reduceSum,
  reshape,
  scatterAlongOp,
  type Tensor,
  type Used,
  used,
  wholeTable,
} from '../graph/index.js';
import type { Events } from './events.js';
import { EMBEDDING_INITIALIZER, type EmbeddingOptions, type Field, firstMask } from './fields.js';
import { weightedSum } from './pooling.js';

/**
 * Mean over the events of a history of every field's embedding, side by side: [B, total]. The same as the masked mean of
 * `concatFields`, without ever holding the embeddings of all fields together; a multi-valued field is pooled in one go.
 */
export function poolHistory(past: Events, options: EmbeddingOptions): Tensor {
  const weights = meanWeights(past.mask);
  const events = used(past.mask, past.length);
  return concat(
    past.fields.map((field) => inScope(field.feature.name, () => poolField(field, weights, events, options))),
  );
}

/**
 * Where a table has at most so many times as many rows as there are ids to pool, how often each row occurs is counted, and the
 * counts are multiplied with the table: that is less to do than fetching a row for every id, and its gradient far less.
 */
const FEW_ROWS = 2;

/** 1 over the number of true positions at each of them, 0 elsewhere: [..., L]. */
export function meanWeights(mask: Tensor): Tensor {
  const present = indicator(mask);
  return divide(present, maximum(reduceSum(present, -1, true), 1));
}

function poolField(
  { feature, values, length }: Field,
  weights: Tensor,
  events: Used,
  options: EmbeddingOptions,
): Tensor {
  if (feature.encoding === 'numbers') return weightedSum(weights, values);
  const { width, initialize = EMBEDDING_INITIALIZER, table: prefix = '' } = options;
  const table = `${prefix}${feature.vocabulary}`;
  const [shares, ids] = feature.encoding === 'id' ? [weights, values] : onePerId(values, length!, weights);
  if (feature.size > FEW_ROWS * (shares.shape.at(-1) as number)) {
    if (feature.encoding === 'ids') return weightedSum(shares, lookup(table, feature.size, width, ids, initialize));
    return weightedSum(weights, putBack(lookup(table, feature.size, width, ids, initialize, events), events));
  }
  const counts = sharesByRow(shares, ids, feature.size);
  return matMul(counts, wholeTable(table, feature.size, width, initialize));
}

/** Weights and ids of several ids an event, one after the other: [B, L], [B, L, M] → [B, L·M] each. */
function onePerId(values: Tensor, length: Tensor, weights: Tensor): [Tensor, Tensor] {
  const most = values.shape.at(-1) as number;
  const each = divide(weights, maximum(cast(length, 'float32'), 1));
  const all = multiply(indicator(firstMask(most, length)), expandDims(each, -1));
  const flat = [...weights.shape.slice(0, -1), product(weights.shape.slice(-1).concat(most))];
  return [reshape(all, flat), reshape(values, flat)];
}

/** How much of the weights [B, n] falls on each of so many table rows, by ids [B, n]: [B, rows]. */
function sharesByRow(weights: Tensor, ids: Tensor, rows: number): Tensor {
  const none = broadcastTo(constant([0], [1, 1]), [weights.shape[0]!, rows], weights);
  return apply(scatterAlongOp, [weights, ids, none]);
}
