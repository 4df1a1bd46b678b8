import type { z } from 'zod';
import type { Tensor } from '../../graph/index.js';

/** What a loss may look at: P pairs of B requests and I distinct items. */
export interface LossContext {
  /** [P] */
  logits: Tensor;
  /** [P]: 0 for a negative, above 0 for a positive pair. */
  label: Tensor;
  /** [P] */
  weight: Tensor;
  /** int32 [P]: the pair's row among the requests, and among the items. */
  request: Tensor;
  itemRow: Tensor;
  /**
   * [B, I]: every request against every item of the batch, up to a constant per request. Only for models that can
   * retrieve.
   */
  similarity?: Tensor;
  /** int32 [P]: each pair's row of `similarity`, where that is not its request. */
  view?: Tensor;
  /**
   * [I]: logarithm of the probability that the item is in the batch by sampling (of the expected number of rows,
   * where an item may have several), so that rows weighted by exp(−logq) sum to the whole corpus in expectation.
   */
  logq?: Tensor;
}

/** A loss is one file beside this one and one line in `index.ts`. */
export interface Loss<Options = unknown> {
  /** As in the config: lower case with hyphens. */
  name: string;
  /** Options with their defaults; unknown keys are errors. */
  options: z.ZodType<Options>;
  /** `pairs`: logits alone. `matrix`: also `similarity`, and `logq` where the batches have it. */
  needs: 'pairs' | 'matrix';
  /** A scalar. */
  build(context: LossContext, options: Options): Tensor;
}

/** Keeps the option types together: `export default defineLoss({ … })`. */
export function defineLoss<Options>(loss: Loss<Options>): Loss<Options> {
  return loss;
}
