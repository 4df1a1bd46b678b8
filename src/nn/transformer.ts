import { add, inScope, type Tensor, width } from '../graph/index.js';
import { type Activation, activate } from './activations.js';
import { type AttentionMasks, multiHeadAttention } from './attention.js';
import { dense } from './dense.js';
import { dropout } from './dropout.js';
import { layerNorm } from './normalization.js';

export interface TransformerOptions extends AttentionMasks {
  heads: number;
  /** Layer normalisation before each part (`pre`) or after its residual sum (`post`). */
  normalization?: 'pre' | 'post';
  /**
   * Hidden units between the two feed-forward layers (4 × width unless given), or another network [..., d] → [...,
   * d].
   */
  feedForward?: number | ((x: Tensor) => Tensor);
  activation?: Activation;
  /** Rate for attention weights, hidden units and the result of each part. */
  dropout?: number;
  /** Whether projections and feed-forward layers have biases. */
  bias?: boolean;
}

/**
 * A transformer encoder layer: [..., T, d] → [..., T, d] (Vaswani et al., 2017, section 3.1; `pre`: Xiong et al.,
 * 2020). Without positional codes it is equivariant to the order of the list. What stands at padded positions is of
 * no use, but it does not reach the others when `keys` masks it.
 */
export function transformerLayer(name: string, x: Tensor, options: TransformerOptions): Tensor {
  const {
    normalization = 'pre',
    feedForward = 4 * width(x),
    activation = 'relu',
    dropout: rate = 0,
    bias = true,
  } = options;
  const attention = (h: Tensor) => multiHeadAttention('attention', h, h, { ...options, bias });
  const twoLayers = (h: Tensor, units: number) => {
    const hidden = dropout(activate(dense('hidden', h, units, { bias }), activation), rate);
    return dense('output', hidden, width(x), { bias });
  };
  const network = (h: Tensor) =>
    inScope('feedForward', () => (typeof feedForward === 'number' ? twoLayers(h, feedForward) : feedForward(h)));
  const residual = (norm: string, h: Tensor, part: (h: Tensor) => Tensor) => {
    if (normalization === 'pre') return add(h, dropout(part(layerNorm(norm, h)), rate));
    return layerNorm(norm, add(h, dropout(part(h), rate)));
  };
  return inScope(name, () => residual('feedForwardNorm', residual('attentionNorm', x, attention), network));
}
