import bce from './bce.js';
import differentiableSorting from './differentiable-sorting.js';
import distillListwise from './distill-listwise.js';
import distillPointwise from './distill-pointwise.js';
import distillVectors from './distill-vectors.js';
import inBatchSoftmax from './in-batch-softmax.js';
import lambdaLoss from './lambda-loss.js';
import listMle from './list-mle.js';
import listwiseSoftmax from './listwise-softmax.js';
import type { Loss } from './loss.js';
import pairwiseHinge from './pairwise-hinge.js';
import pairwiseLogistic from './pairwise-logistic.js';
import sampledSoftmax from './sampled-softmax.js';
import softmax from './softmax.js';
import tierOrder from './tier-order.js';
import twoWayDistillation from './two-way-distillation.js';

/** Every loss that a config may name. */
// biome-ignore lint/suspicious/noExplicitAny: each loss validates its own options
export const LOSSES: readonly Loss<any>[] = [
  bce,
  softmax,
  inBatchSoftmax,
  sampledSoftmax,
  pairwiseLogistic,
  pairwiseHinge,
  listwiseSoftmax,
  listMle,
  lambdaLoss,
  differentiableSorting,
  tierOrder,
  distillPointwise,
  distillListwise,
  distillVectors,
  twoWayDistillation,
];

export { binaryCrossEntropy } from './bce.js';
export { defineLoss, type Lists, type Loss, type LossContext, type Target } from './loss.js';
