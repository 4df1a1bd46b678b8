import {
  cast,
  concat,
  type Dim,
  divide,
  expandDims,
  indicator,
  inScope,
  lookup,
  maximum,
  multiply,
  product,
  reduceSum,
  reshape,
  type Tensor,
} from '../graph/index.js';
import { EMBEDDING_INITIALIZER, type EmbeddingOptions, type Field, firstMask } from './fields.js';
import { weightedSum } from './pooling.js';

/**
 * Mean over the events of a history of every field's embedding, side by side: [B, total]. The same as the masked mean of
 * `concatFields`, without ever holding the embeddings of all fields together; a multi-valued field is pooled in one go.
 * @param fields leading axes [B, L]
 * @param mask bool [B, L]
 */
export function poolHistory(fields: readonly Field[], mask: Tensor, options: EmbeddingOptions): Tensor {
  const weights = meanWeights(mask);
  return concat(fields.map((field) => inScope(field.feature.name, () => poolField(field, weights, options))));
}

/** 1 over the number of true positions at each of them, 0 elsewhere: [..., L]. */
export function meanWeights(mask: Tensor): Tensor {
  const present = indicator(mask);
  return divide(present, maximum(reduceSum(present, -1, true), 1));
}

function poolField({ feature, values, length }: Field, weights: Tensor, options: EmbeddingOptions): Tensor {
  if (feature.encoding === 'numbers') return weightedSum(weights, values);
  const { width, initialize = EMBEDDING_INITIALIZER, table = '' } = options;
  const rows = lookup(`${table}${feature.vocabulary}`, feature.size, width, values, initialize);
  if (feature.encoding === 'id') return weightedSum(weights, rows);
  const inner = divide(
    indicator(firstMask(feature.maxLength, length!)),
    expandDims(maximum(cast(length!, 'float32'), 1), -1),
  );
  const all = multiply(inner, expandDims(weights, -1));
  const lead: readonly Dim[] = weights.shape.slice(0, -1);
  const flat = product(weights.shape.slice(-1).concat(feature.maxLength));
  return weightedSum(reshape(all, [...lead, flat]), reshape(rows, [...lead, flat, width]));
}
