import { VECTOR_FEEDS } from '../data/teacher-vectors.js';
import { expandDims, greater, indicator, input, inScope, type Tensor } from '../graph/index.js';
import { gatherState, type ModelParts, type State } from '../models/contract.js';
import { atLists, listView } from '../nn/losses/lists.js';
import type { Lists, LossContext } from '../nn/losses/loss.js';
import { orderedPairs } from '../nn/losses/pairwise.js';
import { weightedMean } from '../nn/losses/weighted-mean.js';
import { LIST_FEEDS } from '../schema.js';

/** What the batches hold besides requests, items and pairs. */
export interface BatchContents {
  /** Whether each batch comes with the lists of its requests, which may hold what was never shown. */
  lists: boolean;
  /** Whether pairs have scores of a teacher. */
  teacher: boolean;
  /** Widths of the teacher's vectors of items and requests, where there are any. */
  vectors?: { item?: number; user?: number };
  /** Names of the dataset's stages, and the index of the first that the user saw. */
  stages: readonly string[];
  shown: number;
}

/** The part of a loss's context that comes from the cascade: lists, stages, a teacher. */
export function cascadeInputs(contents: BatchContents): Partial<LossContext> {
  const mask = greater(input(LIST_FEEDS.mask, ['B', 'L']), 0.5);
  return {
    stage: input(LIST_FEEDS.stage, ['P'], 'int32'),
    stageNames: contents.stages,
    ...(contents.lists && { lists: { pairs: input(LIST_FEEDS.pairs, ['B', 'L'], 'int32'), mask } }),
    ...(contents.vectors && { vectors: teacherVectors(contents.vectors) }),
    ...(contents.teacher && {
      teacher: input(LIST_FEEDS.teacher, ['P']),
      taught: input(LIST_FEEDS.taught, ['P']),
    }),
  };
}

function teacherVectors({ item, user }: NonNullable<BatchContents['vectors']>): NonNullable<LossContext['vectors']> {
  return {
    ...(item !== undefined && { item: input(VECTOR_FEEDS.item, ['I', item]) }),
    ...(user !== undefined && { user: input(VECTOR_FEEDS.user, ['B', user]) }),
  };
}

/** Logits of the model's listwise part for the batch's lists: [B, L]. `pairItems` are the item states of the pairs. */
export function rerankLists(
  model: ModelParts,
  userState: State,
  pairItems: State,
  logits: Tensor,
  lists: Lists,
): Tensor {
  const user = Object.fromEntries(Object.entries(userState).map(([name, state]) => [name, expandDims(state, 1)]));
  const scores = atLists(logits, lists);
  return inScope('rerank', () => model.rerank!(user, gatherState(pairItems, lists.pairs), scores, lists.mask));
}

/** Share of the pairs of list positions that the model orders as the teacher does, where both are in a list. */
export function teacherAgreement(context: LossContext): Record<string, Tensor> {
  if (context.lists === undefined || context.teacher === undefined) return {};
  const { gaps, ordered } = orderedPairs(listView(context, 'teacher'));
  return { teacherAgreement: weightedMean(indicator(greater(gaps, 0)), ordered) };
}
