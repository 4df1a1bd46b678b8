import {
  add,
  broadcastTo,
  cast,
  concat,
  constant,
  equal,
  expandDims,
  floor,
  indicator,
  log,
  matMul,
  minimum,
  multiply,
  parameter,
  slice,
  type Tensor,
  width,
} from '../../graph/index.js';
import { activate } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { EMBEDDING_INITIALIZER } from '../../nn/fields.js';
import { layerNorm } from '../../nn/normalization.js';
import { maskedMean } from '../../nn/pooling.js';
import { targetAttention } from '../../nn/target-attention.js';
import { transformerLayer } from '../../nn/transformer.js';
import type { Sequence } from './generator.js';
import type { Options } from './options.js';

/** Dense, ELU, layer normalisation: the feed-forward layer of the paper's code. */
function layer(name: string, x: Tensor, units: number): Tensor {
  return layerNorm(`${name}/norm`, activate(dense(name, x, units, { bias: false }), 'elu'));
}

/**
 * Early interaction: a transformer over the newest k events and the generated next item, and the mean of its tokens, h_s [R, d].
 * @param guess x̂_{n+1} [R, d], if there is one
 */
export function currentInterest({ items, mask }: Sequence, guess: Tensor | undefined, options: Options): Tensor {
  const { session, heads, feedForward, excludeSelf } = options;
  const start = width(items, 1) - session;
  const tokens = [slice(items, 1, start)];
  const keys = [slice(mask, 1, start)];
  if (guess !== undefined) {
    tokens.push(expandDims(guess, 1));
    keys.push(broadcastTo(constant([1], [1, 1], 'bool'), [mask.shape[0]!, 1], mask));
  }
  const present = concat(keys, 1);
  const encoded = transformerLayer('session', concat(tokens, 1), {
    heads,
    normalization: 'post',
    bias: false,
    keys: present,
    excludeSelf,
    feedForward: (x) => [...feedForward, width(x)].reduce((h, units, i) => layer(`layer${i + 1}`, h, units), x),
  });
  return maskedMean(encoded, present);
}

/**
 * Target attention of the current interest over the events before the session, with the time that has passed since each: h_l [R, d].
 * @param lag float32 [R, n]: seconds
 */
export function historyInterest({ items, mask }: Sequence, lag: Tensor, current: Tensor, options: Options): Tensor {
  const { session, activationUnit, lagBuckets, lagWidth } = options;
  const older = (x: Tensor) => slice(x, 1, 0, width(x, 1) - session);
  return targetAttention('history', current, older(items), older(mask), {
    units: activationUnit,
    activation: 'elu',
    normalization: 'layer',
    bias: false,
    ...(lagBuckets > 0 && { extra: embedLag(older(lag), lagBuckets, lagWidth) }),
  });
}

/** Embeds ⌊log₂(1 + seconds)⌋, the last bucket holding all that is longer: [...] → [..., size]. */
export function embedLag(seconds: Tensor, buckets: number, size: number): Tensor {
  const bucket = minimum(floor(multiply(log(add(seconds, 1)), Math.LOG2E)), buckets - 1);
  const numbers = constant(
    Array.from({ length: buckets }, (_, i) => i),
    [buckets],
    'int32',
  );
  // As a product: the rows are few, and its gradient needs no scatter.
  const chosen = indicator(equal(expandDims(cast(bucket, 'int32'), -1), numbers));
  return matMul(chosen, parameter('lag', [buckets, size], EMBEDDING_INITIALIZER));
}
