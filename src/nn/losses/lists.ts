import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import {
  and,
  broadcastTo,
  cast,
  constant,
  cumulativeSum,
  currentScope,
  equal,
  expandDims,
  gather,
  greater,
  indicator,
  logSoftmax,
  reduceSum,
  scalar,
  subtract,
  type Tensor,
  where,
} from '../../graph/index.js';
import { LOWEST } from '../masked-softmax.js';
import type { Lists, LossContext, Target } from './loss.js';

/** What orders the positions of a list. */
export type Relevance = 'label' | 'stage' | 'teacher';

/** The option `by` of losses over lists. */
export const byFeedback = z
  .enum(['label', 'stage'])
  .default('label')
  .describe('what makes one item better than another: its label, or how far it came in the cascade');

/** The same where a teacher may order the list too. */
export const byAnything = z
  .enum(['label', 'stage', 'teacher'])
  .default('label')
  .describe(
    "what makes one item better than another: its label, how far it came in the cascade, or the teacher's score",
  );

/** The target of a loss with the option `by`. */
export const targetOf = ({ by }: { by: Relevance }): Target => (by === 'label' ? 'feedback' : by);

/** One part of a context, which the registry promises to losses that need it. */
export function required<Key extends keyof LossContext>(context: LossContext, key: Key): NonNullable<LossContext[Key]> {
  const value = context[key];
  if (value === undefined) {
    throw new TwoTowerError('GRAPH_SHAPE', `${currentScope()}: this loss needs ${key}, which the batches lack`);
  }
  return value;
}

/** Values of the pairs [P] at the positions of the lists [B, L]. */
export const atLists = (values: Tensor, { pairs }: Pick<Lists, 'pairs'>): Tensor => gather(values, pairs);

/** Scores and what orders them, as far as the loss may see it: all [B, L]. */
export interface ListView {
  scores: Tensor;
  /** The larger the better. */
  relevance: Tensor;
  /** bool: positions whose relevance is known. */
  mask: Tensor;
}

export function listView(context: LossContext, by: Relevance): ListView {
  const lists = required(context, 'lists');
  const scores = atLists(context.logits, lists);
  if (by === 'label') return { scores, relevance: atLists(context.label, lists), mask: lists.mask };
  if (by === 'stage') {
    return { scores, relevance: cast(atLists(required(context, 'stage'), lists), 'float32'), mask: lists.mask };
  }
  return {
    scores,
    relevance: atLists(required(context, 'teacher'), lists),
    mask: and(lists.mask, taughtAt(context, lists)),
  };
}

/** bool [B, L]: positions for which the teacher has a score. */
export function taughtAt(context: LossContext, lists: Pick<Lists, 'pairs'>): Tensor {
  return greater(atLists(required(context, 'taught'), lists), 0.5);
}

/** bool [B, L, L]: whether both positions i and j exist. */
export const bothThere = (mask: Tensor): Tensor => and(expandDims(mask, -1), expandDims(mask, -2));

/** bool [B, L, L]: entry [i, j] says whether value i is above value j. */
export const isAbove = (values: Tensor): Tensor => greater(expandDims(values, -1), expandDims(values, -2));

/** bool [B, L, L]: entry [i, j] says whether values i and j are equal. */
export const isEqual = (values: Tensor): Tensor => equal(expandDims(values, -1), expandDims(values, -2));

/** How many positions of each list exist: [B, 1]. */
export const lengths = (mask: Tensor): Tensor => reduceSum(indicator(mask), -1, true);

/** 0, 1, 2, … along the last axis: shaped like `values`. */
export function numbers(values: Tensor): Tensor {
  const one = constant(
    [1],
    values.shape.map(() => 1),
  );
  return subtract(cumulativeSum(broadcastTo(one, values.shape, values)), 1);
}

/** Scores where the mask holds, far below any score elsewhere. */
export const present = (scores: Tensor, mask: Tensor): Tensor => where(mask, scores, scalar(LOWEST));

/** Logarithm of the softmax over the positions that exist, 0 at the others. */
export const logShares = (scores: Tensor, mask: Tensor): Tensor =>
  where(mask, logSoftmax(present(scores, mask)), scalar(0));
