import {
  add,
  broadcastTo,
  constant,
  divide,
  exp,
  gatherAlong,
  inScope,
  minimum,
  multiply,
  negate,
  parameter,
  reduceSum,
  type Tensor,
} from '../../graph/index.js';
import { zeros } from '../../nn/initializers.js';
import inBatchSoftmax from '../../nn/losses/in-batch-softmax.js';
import { atPairs } from '../../nn/losses/matrix.js';
import type { TrainInputs, TrainOutputs } from '../contract.js';
import { trainingLists } from './lists.js';
import { agreement, distillation, listNet } from './losses.js';
import type { Options } from './options.js';

/** Scores of the listwise transformer for lists of item rows: int32 [B, n], their scores [B, n], bool [B, n] → [B, n]. */
type Rerank = (items: Tensor, scores: Tensor, mask: Tensor) => Tensor;

/**
 * λ₁·L_ret + λ₂·L_rank + λ₃·(L_↓ + η·L_↑), as far as their weights are not 0.
 * @param similarity [B, I]: the score of every request with every item of the batch
 */
export function jointLosses(
  similarity: Tensor,
  inputs: Pick<TrainInputs, 'request' | 'itemRow' | 'label' | 'logq' | 'step' | 'stepsPerEpoch'>,
  { weights, lists, temperature, eta, warmup, uncertainty }: Options,
  rerank: Rerank,
): TrainOutputs {
  const { request, itemRow, label, logq, step, stepsPerEpoch } = inputs;
  const ones = broadcastTo(constant([1], [1]), label.shape, label);
  const context = { logits: label, label, weight: ones, request, itemRow, similarity, logq };
  const logits = atPairs(similarity, context);
  const losses: Record<string, Tensor> = {};
  if (weights.retrieval > 0) {
    const loss = inBatchSoftmax.build({ ...context, logits }, inBatchSoftmax.options.parse({}));
    losses.retrieval = weighed('retrieval', multiply(loss, weights.retrieval), uncertainty);
  }
  if (weights.ranking === 0 && weights.distillation === 0) return { logits, losses };

  const { items, mask, labels } = trainingLists(context, lists);
  const scores = gatherAlong(similarity, items);
  const reranked = rerank(items, scores, mask);
  if (weights.ranking > 0) {
    losses.ranking = weighed('ranking', multiply(listNet(reranked, labels, mask), weights.ranking), uncertainty);
  }
  if (weights.distillation > 0) {
    const down = distillation(reranked, scores, mask, temperature);
    const both = eta === 0 ? down : add(down, multiply(distillation(scores, reranked, mask, temperature), eta));
    const grown = warmup === 0 ? 1 : minimum(divide(step, multiply(stepsPerEpoch, warmup)), 1);
    losses.distillation = multiply(multiply(both, weights.distillation), grown);
  }
  const metrics = {
    agreement: agreement(scores, reranked, mask),
    divergence: distillation(reranked, scores, mask, 1),
  };
  return { logits, losses, metrics };
}

/** e^{−u}·L + u with a learned u (Kendall et al., 2018, in the form with log-variances). */
function weighed(name: string, loss: Tensor, uncertainty: boolean): Tensor {
  if (!uncertainty) return loss;
  const u = reduceSum(inScope('uncertainty', () => parameter(name, [1], zeros)));
  return add(multiply(loss, exp(negate(u))), u);
}
