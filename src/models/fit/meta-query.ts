import {
  argMax,
  divide,
  gather,
  matMul,
  maximum,
  minimum,
  multiply,
  parameter,
  shared,
  softmax,
  subtract,
  type Tensor,
  width,
} from '../../graph/index.js';
import { uniform } from '../../nn/initializers.js';
import { batchNorm } from '../../nn/normalization.js';

export interface Temperature {
  start: number;
  end: number;
  /** Epochs from `start` to `end`. */
  epochs: number;
}

/** The Meta Query Module: a learned stand-in for the items that the user tower cannot know. */
export class MetaQueryModule {
  /** M [N, D] */
  readonly metaMatrix: Tensor;
  /** G = (M·Mᵀ)·M [N, D], or M itself without self-attention. Its rows are the hard queries. */
  readonly queryGroup: Tensor;

  /** @param standardized whether attributes are compared by what is particular to an item, at a size that does not change */
  constructor(
    queries: number,
    attributeWidth: number,
    selfAttention: boolean,
    private readonly standardized: boolean,
  ) {
    // Decay would shrink G with the third power.
    const shape = [queries, attributeWidth];
    const initialize = uniform(1 / Math.sqrt(attributeWidth));
    const m = shared('metaQuery', () => parameter('metaMatrix', shape, initialize, { decay: false }));
    this.metaMatrix = m;
    this.queryGroup = selfAttention ? matMul(matMul(m, m, { transposeB: true }), m) : m;
  }

  /** Which hard query stands for each item: attributes [I, D] → int32 [I]. */
  index(attributes: Tensor): Tensor {
    return argMax(this.similarity(attributes));
  }

  /** Hard queries by index: int32 [...] → [..., D]. */
  hard(index: Tensor): Tensor {
    return gather(this.queryGroup, index);
  }

  /** A mixture of hard queries for each item: attributes [I, D] → [I, D]. */
  soft(attributes: Tensor, temperature: Tensor): Tensor {
    return matMul(softmax(divide(this.similarity(attributes), temperature)), this.queryGroup);
  }

  /** Items are compared with the rows of M, not of G: [I, N]. */
  private similarity(attributes: Tensor): Tensor {
    // Embeddings start near 0 and drift together: what all items have in common would choose one query for all of them.
    const options = { affine: false, epsilon: 1e-8 };
    const compared = this.standardized
      ? shared('metaQuery', () => batchNorm('attributes', attributes, options))
      : attributes;
    return matMul(compared, this.metaMatrix, { transposeB: true });
  }

  get queries(): number {
    return width(this.metaMatrix, 0);
  }
}

/** τ(t) = max(start · min(1, 1 − t/T₀), end), T₀ the steps of the given number of epochs: a scalar. */
export function annealed({ start, end, epochs }: Temperature, step: Tensor, stepsPerEpoch: Tensor): Tensor {
  const left = subtract(1, divide(step, multiply(stepsPerEpoch, epochs)));
  return maximum(multiply(minimum(left, 1), start), end);
}
