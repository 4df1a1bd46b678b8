import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../errors.js';
import { add, inScope, matMul, multiply, reduceMax, reshape, type Tensor } from '../graph/index.js';
import type { ModelParts, State } from '../models/contract.js';
import { LOSSES } from '../nn/losses/index.js';
import type { LossContext } from '../nn/losses/loss.js';

/** One entry of the config's `objectives`: which loss, how much it counts, and the loss's own options. */
export const objectiveOptions = z.looseObject({
  loss: z.string(),
  weight: z.number().min(0).default(1),
});
export type ObjectiveOptions = z.infer<typeof objectiveOptions>;

export interface Objective {
  name: string;
  weight: number;
  /** `matrix` losses compare every request with every item of the batch. */
  needs: 'pairs' | 'matrix';
  build(context: LossContext): Tensor;
}

/** Finds the loss and validates its options. */
export function createObjective({ loss: name, weight, ...options }: ObjectiveOptions): Objective {
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
  return { name, weight, needs: loss.needs, build: (context) => loss.build(context, parsed.data) };
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

/** The weighted sum of the objectives and each of them alone. */
export function totalLoss(
  objectives: readonly Objective[],
  context: LossContext,
): { total: Tensor; parts: Record<string, Tensor> } {
  const { view = context.request } = context;
  const parts: Record<string, Tensor> = {};
  let total: Tensor | undefined;
  for (const [i, objective] of objectives.entries()) {
    const seen = objective.needs === 'matrix' ? { ...context, request: view } : context;
    const value = inScope('loss', () => inScope(objective.name, () => objective.build(seen)));
    parts[objectives.length === 1 ? objective.name : `${objective.name}.${i + 1}`] = value;
    const weighted = multiply(value, objective.weight);
    total = total === undefined ? weighted : add(total, weighted);
  }
  return { total: total!, parts };
}
