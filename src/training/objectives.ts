import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../errors.js';
import {
  add,
  and,
  divide,
  greater,
  indicator,
  inScope,
  less,
  matMul,
  minimum,
  multiply,
  reduceMax,
  reshape,
  type Tensor,
} from '../graph/index.js';
import type { ModelParts, State } from '../models/contract.js';
import { LOSSES } from '../nn/losses/index.js';
import { atLists, required } from '../nn/losses/lists.js';
import type { Loss, LossContext, Target } from '../nn/losses/loss.js';
import { stageIndex } from '../nn/losses/tier-order.js';
import { byUncertainty } from '../nn/losses/uncertainty.js';

/** Keys that every entry of the config's `objectives` may have besides its loss's own. */
export const objectiveKeys = {
  weight: z.number().min(0).default(1).describe('factor on this loss in the sum'),
  stages: z
    .array(z.string())
    .min(1)
    .max(2)
    .optional()
    .describe(
      'the first and, unless it is the end, the last stage of the pairs that this loss sees; without it losses that learn from feedback see what was shown, the others everything',
    ),
  warmup: z
    .union([z.number().min(0), z.strictObject({ steps: z.int().positive().describe('steps over which it grows') })])
    .optional()
    .describe('epochs, or { steps: N }, over which the weight grows from 0; it is there at once unless given'),
};

/** One entry of the config's `objectives`: which loss, how it counts, and the loss's own options. */
export const objectiveOptions = z.looseObject({ loss: z.string(), ...objectiveKeys });
export type ObjectiveOptions = z.input<typeof objectiveOptions>;

export interface Objective {
  name: string;
  weight: number;
  stages?: readonly string[] | undefined;
  /** Epochs or steps. */
  warmup?: number | { steps: number } | undefined;
  /** What the batches must have; see `Loss`. */
  needs: Loss['needs'];
  target: Target;
  build(context: LossContext): Tensor;
}

/** Finds the loss and validates its options. */
export function createObjective(said: ObjectiveOptions): Objective {
  const { loss: name, weight = 1, stages, warmup, ...options } = said;
  const loss = LOSSES.find((candidate) => candidate.name === name);
  if (loss === undefined) {
    const known = LOSSES.map((candidate) => candidate.name);
    throw new TwoTowerError('CONFIG_INVALID', `objectives: there is no loss "${name}"`, didYouMean(name, known));
  }
  const parsed = loss.options.safeParse(options);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new TwoTowerError('CONFIG_INVALID', `objectives: ${name}: ${[...path, message].join(': ')}`);
  }
  if (loss.needs === 'vectors' && stages !== undefined) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `objectives: ${name}: stages: this loss compares items or requests, not pairs, and those are at no stage`,
      'Leave stages out.',
    );
  }
  return {
    name,
    weight,
    stages,
    warmup,
    needs: loss.needs,
    target: loss.target?.(parsed.data) ?? 'feedback',
    build: (context) => loss.build(context, parsed.data),
  };
}

/** The score of every request against every item, [B, I], up to a constant per request; for models that can retrieve. */
export function similarityMatrix(model: ModelParts, user: State, item: State): Tensor {
  if (model.retrieval === undefined) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      'objectives: a loss over all items of the batch needs a model that scores by an inner product',
      'use a loss over pairs, such as bce',
    );
  }
  const query = user[model.retrieval.user]!;
  const key = item[model.retrieval.item]!;
  if (query.shape.length === 2) return matMul(query, key, { transposeB: true });
  const [requests, interests, width] = query.shape as [string, number, number];
  const flat = matMul(reshape(query, [-1, width]), key, { transposeB: true });
  return reduceMax(reshape(flat, [requests, interests, key.shape[0]!]), 1);
}

export interface TotalOptions {
  /** Index of the first stage of which there is feedback. */
  shown?: number;
  /** Objectives weigh themselves by learned uncertainties, except distillation. */
  uncertainty?: boolean;
}

/** The weighted sum of the objectives and each of them alone. */
export function totalLoss(
  objectives: readonly Objective[],
  context: LossContext,
  { shown = 0, uncertainty = false }: TotalOptions = {},
): { total: Tensor; parts: Record<string, Tensor> } {
  const parts: Record<string, Tensor> = {};
  let total: Tensor | undefined;
  for (const [i, objective] of objectives.entries()) {
    refuseMissing(objective, context);
    const name = objectives.length === 1 ? objective.name : `${objective.name}.${i + 1}`;
    const seen = visible(objective, context, shown);
    const value = inScope('loss', () => inScope(objective.name, () => objective.build(seen)));
    parts[name] = value;
    const fixed = !uncertainty || objective.weight === 0 || distils(objective);
    const weighted = multiply(value, objective.weight);
    // What is learned grows along: it would make up for a loss that is still held back.
    const counted = multiply(fixed ? weighted : byUncertainty(name, weighted), grown(objective, context));
    total = total === undefined ? counted : add(total, counted);
  }
  return { total: total!, parts };
}

/** What is learned away rather than learned from, if its weight is free. */
const distils = ({ target, needs }: Objective): boolean => target === 'teacher' || needs === 'rerank';

/** 0 at the first step, rising evenly to 1. */
function grown({ warmup }: Objective, context: LossContext): Tensor | 1 {
  if (warmup === undefined || warmup === 0) return 1;
  const over = typeof warmup === 'number' ? multiply(required(context, 'stepsPerEpoch'), warmup) : warmup.steps;
  return minimum(divide(required(context, 'step'), over), 1);
}

/** The context as this objective sees it: pairs of other stages have no weight and stand in no list. */
function visible(objective: Objective, context: LossContext, shown: number): LossContext {
  const seen = objective.needs === 'matrix' ? { ...context, request: context.view ?? context.request } : context;
  const window =
    objective.stages === undefined && context.lists === undefined
      ? undefined
      : windowOf(objective, required(context, 'stageNames'), context.lists !== undefined, shown);
  if (window === undefined) return seen;
  const stage = required(context, 'stage');
  const inside = indicator(and(greater(stage, window.from - 1), less(stage, window.to + 1)));
  const { lists } = context;
  return {
    ...seen,
    weight: multiply(context.weight, inside),
    ...(lists && { lists: { ...lists, mask: and(lists.mask, greater(atLists(inside, lists), 0.5)) } }),
  };
}

/** The stages of the pairs that an objective sees, by index; undefined where it sees all. @throws CONFIG_INVALID */
function windowOf(
  { name, stages, target }: Objective,
  stageNames: readonly string[],
  lists: boolean,
  shown: number,
): { from: number; to: number } | undefined {
  if (stages === undefined) {
    // Without lists every pair is an exposure.
    return target === 'feedback' && lists && shown > 0 ? { from: shown, to: stageNames.length - 1 } : undefined;
  }
  const [from, to] = stages.map((one) => stageIndex(one, stageNames, `${name}: stages`)) as [number, number?];
  if (to !== undefined && to < from) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `objectives: ${name}: stages: "${stages[1]}" comes before "${stages[0]}"`,
      `The order is ${stageNames.join(', ')}.`,
    );
  }
  return { from, to: to ?? stageNames.length - 1 };
}

/**
 * Refuses objectives that no pair of the training would ever reach, which would train nothing without a word.
 *
 * @param held stages of all that is trained on, by index
 * @throws CONFIG_INVALID
 */
export function refuseBlind(
  objectives: readonly Objective[],
  { stages, shown, lists }: { stages: readonly string[]; shown: number; lists: boolean },
  held: Iterable<number>,
): void {
  const levels = [...new Set(held)].sort((a, b) => a - b);
  for (const objective of objectives) {
    const window = windowOf(objective, stages, lists, shown);
    if (window === undefined || levels.some((level) => level >= window.from && level <= window.to)) continue;
    const names = levels.map((level) => stages[level]).join(', ');
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `objectives: ${objective.name}: stages: nothing that is trained on is at ${stages[window.from]} to ${stages[window.to]}`,
      lists
        ? `The lists hold ${names}: give training.lists candidates or randoms, or name other stages.`
        : 'Single events are all shown: train on lists (training.lists), or name other stages.',
    );
  }
}

/** @throws CONFIG_INVALID where the batches lack what the loss is made from */
function refuseMissing({ name, needs, target }: Objective, context: LossContext): void {
  const refuse = (what: string, remedy: string) => {
    throw new TwoTowerError('CONFIG_INVALID', `objectives: ${name}: ${what}`, remedy);
  };
  const lists = 'Train on lists: add training.lists, {} for those of the log alone.';
  if ((needs === 'lists' || needs === 'rerank') && context.lists === undefined) {
    refuse('this loss compares the items of one request', lists);
  }
  if (needs === 'rerank' && context.reranked === undefined) {
    refuse('the model has no listwise part', 'Choose a model that re-ranks, such as lt-ttd.');
  }
  if (needs === 'rerank' || needs === 'vectors') return;
  if (target === 'teacher' && context.teacher === undefined) {
    refuse(
      'there is no teacher',
      'Name one with training.teacher or --teacher, or train on mined candidates with its scores.',
    );
  }
}
