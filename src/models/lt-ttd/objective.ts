import { add, broadcastTo, constant, divide, gatherAlong, minimum, multiply, type Tensor } from '../../graph/index.js';
import inBatchSoftmax from '../../nn/losses/in-batch-softmax.js';
import { listNet } from '../../nn/losses/listwise-softmax.js';
import { atPairs } from '../../nn/losses/matrix.js';
import { byUncertainty } from '../../nn/losses/uncertainty.js';
import type { TrainInputs, TrainOutputs } from '../contract.js';
import { listsOfBatch, trainingLists } from './lists.js';
import { agreement, distillation } from './losses.js';
import type { Options } from './options.js';

/** Scores of the listwise transformer for lists of item rows: int32 [B, n], their scores [B, n], bool [B, n] → [B, n]. */
type Rerank = (items: Tensor, scores: Tensor, mask: Tensor) => Tensor;

/**
 * λ₁·L_ret + λ₂·L_rank + λ₃·(L_↓ + η·L_↑), as far as their weights are not 0.
 * @param similarity [B, I]: the score of every request with every item of the batch
 */
export function jointLosses(
  similarity: Tensor,
  inputs: Pick<TrainInputs, 'request' | 'itemRow' | 'label' | 'logq' | 'lists' | 'step' | 'stepsPerEpoch'>,
  { weights, lists, temperature, eta, warmup, uncertainty }: Options,
  rerank: Rerank,
): TrainOutputs {
  const { request, itemRow, label, logq, lists: given, step, stepsPerEpoch } = inputs;
  const ones = broadcastTo(constant([1], [1]), label.shape, label);
  const context = { logits: label, label, weight: ones, request, itemRow, similarity, logq };
  const logits = atPairs(similarity, context);
  const losses: Record<string, Tensor> = {};
  const weighed = (name: string, loss: Tensor) => (uncertainty ? byUncertainty(name, loss) : loss);
  if (weights.retrieval > 0) {
    const loss = inBatchSoftmax.build({ ...context, logits }, inBatchSoftmax.options.parse({}));
    losses.retrieval = weighed('retrieval', multiply(loss, weights.retrieval));
  }
  if (weights.ranking === 0 && weights.distillation === 0) return { logits, losses };

  const { items, mask, labels } = given === undefined ? trainingLists(context, lists) : listsOfBatch(context, given);
  const scores = gatherAlong(similarity, items);
  const reranked = rerank(items, scores, mask);
  if (weights.ranking > 0) {
    losses.ranking = weighed('ranking', multiply(listNet(reranked, labels, mask), weights.ranking));
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
