import {
  add,
  broadcastTo,
  cast,
  constant,
  cumulativeSum,
  input,
  inScope,
  subtract,
  type Tensor,
} from '../graph/index.js';
import { gatherState, type ModelParts, type TrainOutputs } from '../models/contract.js';
import { itemInputs, userInputs } from '../models/inputs.js';
import type { LossContext } from '../nn/losses/loss.js';
import type { Schema } from '../schema.js';
import { type BatchContents, cascadeInputs, rerankLists, teacherAgreement } from './cascade-inputs.js';
import { type Objective, similarityMatrix, totalLoss } from './objectives.js';
import { LOGQ_FEED, STEP_FEEDS } from './step-feeds.js';

export interface ForwardOptions {
  model: ModelParts;
  schema: Schema;
  objectives: readonly Objective[];
  /** Pairs alone where absent. */
  contents?: BatchContents;
  /** Whether the objectives weigh themselves by learned uncertainties. */
  uncertainty?: boolean;
}

/** The loss of a batch and what is reported besides: scalars. */
export function forwardPass({ model, schema, objectives, contents, uncertainty = false }: ForwardOptions) {
  const user = userInputs(schema, 'B');
  const item = itemInputs(schema, 'I');
  const userState = inScope('user', () => model.user(user));
  const itemState = inScope('item', () => model.item(item));
  const request = input('pair.request', ['P'], 'int32');
  const itemRow = input('pair.item', ['P'], 'int32');
  const label = input('pair.label', ['P']);
  const logq = input(LOGQ_FEED, ['I']);
  const step = input(STEP_FEEDS.step, []);
  const stepsPerEpoch = input(STEP_FEEDS.stepsPerEpoch, []);
  const cascade = contents && cascadeInputs(contents);
  const lists = cascade?.lists;
  const result = ((): TrainOutputs => {
    if (model.train !== undefined) {
      const pairs = { request, itemRow, label, logq, ...(lists && { lists }) };
      return inScope('train', () => model.train!({ user, item, userState, itemState, ...pairs, step, stepsPerEpoch }));
    }
    return {
      logits: inScope('score', () => model.score(gatherState(userState, request), gatherState(itemState, itemRow))),
    };
  })();
  const { logits } = result;
  const context: LossContext = {
    logits,
    label,
    weight: input('pair.weight', ['P']),
    request,
    itemRow,
    ...cascade,
    states: { item: itemState, user: userState },
    ...(model.retrieval && { retrieval: model.retrieval }),
    step,
    stepsPerEpoch,
    ...(objectives.some(({ needs }) => needs === 'matrix') && {
      ...(result.similarity === undefined
        ? { similarity: inScope('score', () => similarityMatrix(model, userState, itemState)) }
        : { similarity: result.similarity, view: rowNumbers(label) }),
      logq,
    }),
    ...(lists &&
      model.rerank !== undefined &&
      objectives.some(({ needs }) => needs === 'rerank') && {
        reranked: rerankLists(model, userState, gatherState(itemState, itemRow), logits, lists),
      }),
  };
  const { total, parts } = totalLoss(objectives, context, { uncertainty, ...(contents && { shown: contents.shown }) });
  const own = Object.values(result.losses ?? {});
  const reported = {
    ...prefixed('loss.', { ...parts, ...result.losses }),
    ...prefixed('metric.', { ...result.metrics, ...teacherAgreement(context) }),
  };
  return { loss: own.reduce((a, b) => add(a, b), total), reported };
}

/** 0, 1, 2, … as int32, as many as `x` has elements: [P]. */
function rowNumbers(x: Tensor): Tensor {
  const ones = broadcastTo(constant([1], [1]), x.shape, x);
  return cast(subtract(cumulativeSum(ones), 1), 'int32');
}

function prefixed(prefix: string, tensors: Record<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}${name}`, tensor]));
}
