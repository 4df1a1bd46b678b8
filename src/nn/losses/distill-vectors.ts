import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../../errors.js';
import {
  add,
  greater,
  indicator,
  multiply,
  normalizeLength,
  reduceSum,
  reshape,
  square,
  stopGradient,
  subtract,
  type Tensor,
  width,
} from '../../graph/index.js';
import { dense } from '../dense.js';
import { defineLoss, type LossContext } from './loss.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({
  side: z.enum(['item', 'user']).default('item').describe('whose vectors'),
  state: z
    .string()
    .optional()
    .describe('state of the model that learns, by name; unless given, the vector it retrieves by'),
  distance: z
    .enum(['cosine', 'squared'])
    .default('cosine')
    .describe('1 − cosine, or the mean of the squared differences'),
});

/**
 * Feature-level distillation (Romero et al., 2015): the distance between a learned projection of the model's own state and
 * the teacher's vector of the same item or request, the mean over those of the batch. Only training knows the projection.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'distill-vectors',
  options,
  needs: 'vectors',
  target: () => 'teacher',
  build(context, { side, state: name, distance }) {
    const target = stopGradient(targetOf(context, side));
    const state = stateOf(context, side, name);
    const flat = reshape(state, [state.shape[0]!, state.shape.slice(1).reduce<number>((a, b) => a * (b as number), 1)]);
    const projected = dense(`${side} projection`, flat, width(target), { bias: distance === 'squared' });
    // Zeros stand for a missing vector.
    const there = indicator(greater(reduceSum(square(target), -1), 0));
    const losses =
      distance === 'squared'
        ? multiply(reduceSum(square(subtract(projected, target)), -1), 1 / width(target))
        : add(multiply(reduceSum(multiply(normalizeLength(projected), normalizeLength(target)), -1), -1), 1);
    return weightedMean(losses, there);
  },
});

function targetOf({ vectors }: LossContext, side: 'item' | 'user'): Tensor {
  const target = vectors?.[side];
  if (target !== undefined) return target;
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `objectives: distill-vectors: the teacher has no vectors of the ${side} side`,
    `Name a state of its model with training.teacher: { run: FOLDER, vectors: { ${side}: NAME } }.`,
  );
}

function stateOf({ states, retrieval }: LossContext, side: 'item' | 'user', name: string | undefined): Tensor {
  const known = states?.[side] ?? {};
  const chosen = name ?? retrieval?.[side];
  const state = chosen === undefined ? undefined : known[chosen];
  if (state?.shape.slice(1).every((size) => typeof size === 'number')) return state;
  throw new TwoTowerError(
    'CONFIG_INVALID',
    chosen === undefined
      ? `objectives: distill-vectors: the model has no vector that it retrieves by on the ${side} side`
      : `objectives: distill-vectors: the model has no state "${chosen}" on the ${side} side`,
    chosen === undefined ? `Name a state: ${Object.keys(known).join(', ')}.` : didYouMean(chosen, Object.keys(known)),
  );
}
