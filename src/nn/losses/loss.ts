import type { z } from 'zod';
import type { Tensor } from '../../graph/index.js';

/** The lists of a batch: B requests with up to L pairs each. */
export interface Lists {
  /** int32 [B, L]: rows of the pair table; any row where the mask is false. */
  pairs: Tensor;
  /** bool [B, L]: which positions hold a pair that the loss may see. */
  mask: Tensor;
}

/** What a loss may look at: P pairs of B requests and I distinct items. */
export interface LossContext {
  /** [P] */
  logits: Tensor;
  /** [P]: 0 for a negative, above 0 for a positive pair. */
  label: Tensor;
  /** [P]: 0 for pairs that the loss must not see. */
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
  /** int32 [P]: how far the pair came in the cascade, an index into `stageNames`. */
  stage?: Tensor;
  /** Names of the stages, the corpus first. */
  stageNames?: readonly string[];
  /** [P]: logit of the teacher, 0 where it has none; and 1 where it has one, else 0. */
  teacher?: Tensor;
  taught?: Tensor;
  /** The pairs of each request as one list. */
  lists?: Lists;
  /** [B, L]: logits of the model's listwise part for the lists, computed from the gathered `logits`. */
  reranked?: Tensor;
  /** States of the model by name, leading axes I and B, and which of them it retrieves by. */
  states?: Record<'item' | 'user', Record<string, Tensor>>;
  retrieval?: Record<'item' | 'user', string>;
  /** Vectors of the teacher: [I, width] and [B, width]. */
  vectors?: { item?: Tensor; user?: Tensor };
  /** Scalars: steps done before this one, and steps of an epoch. */
  step?: Tensor;
  stepsPerEpoch?: Tensor;
}

/**
 * Where a loss takes its target from. Feedback exists only for what the user was shown: such a loss sees no other
 * pairs unless its objective names the stages. A teacher's score exists only for some pairs, and such a loss ignores the
 * others itself.
 */
export type Target = 'feedback' | 'stage' | 'teacher';

/** A loss is one file beside this one and one line in `index.ts`. */
export interface Loss<Options = unknown> {
  /** As in the config: lower case with hyphens. */
  name: string;
  /** Options with their defaults; unknown keys are errors. */
  options: z.ZodType<Options>;
  /**
   * `pairs`: logits alone. `matrix`: also `similarity`, and `logq` where the batches have it. `lists`: also `lists`.
   * `rerank`: also `reranked`. `vectors`: also `states` and `vectors`.
   */
  needs: 'pairs' | 'matrix' | 'lists' | 'rerank' | 'vectors';
  /** Feedback where absent. */
  target?(options: Options): Target;
  /** A scalar. */
  build(context: LossContext, options: Options): Tensor;
}

/** Keeps the option types together: `export default defineLoss({ … })`. */
export function defineLoss<Options>(loss: Loss<Options>): Loss<Options> {
  return loss;
}
