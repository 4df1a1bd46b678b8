import bce from './bce.js';
import inBatchSoftmax from './in-batch-softmax.js';
import type { Loss } from './loss.js';
import sampledSoftmax from './sampled-softmax.js';
import softmax from './softmax.js';

/** Every loss that a config may name. */
// biome-ignore lint/suspicious/noExplicitAny: each loss validates its own options
export const LOSSES: readonly Loss<any>[] = [bce, softmax, inBatchSoftmax, sampledSoftmax];

export { binaryCrossEntropy } from './bce.js';
export { defineLoss, type Loss, type LossContext } from './loss.js';
