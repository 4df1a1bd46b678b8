import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../../errors.js';
import { add, cast, greater, indicator, multiply, softplus, type Tensor } from '../../graph/index.js';
import { atLists, required } from './lists.js';
import { defineLoss } from './loss.js';
import { orderedPairs } from './pairwise.js';
import { scoreTemperature } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({
  tiers: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('stages with which a new tier begins, ascending; every stage is one of its own unless given'),
  temperature: scoreTemperature,
});

/**
 * The coarse order of the cascade: softplus(−(s_i − s_j)/T), the mean over all two positions i, j of a list of which i came
 * into a higher tier. The order inside a tier is free.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'tier-order',
  options,
  needs: 'lists',
  target: () => 'stage',
  build(context, { tiers, temperature }) {
    const lists = required(context, 'lists');
    const stage = cast(atLists(required(context, 'stage'), lists), 'float32');
    const starts = tiers?.map((name) => stageIndex(name, required(context, 'stageNames'), 'tier-order: tiers'));
    const { gaps, ordered } = orderedPairs({
      scores: atLists(context.logits, lists),
      relevance: starts === undefined ? stage : tierOf(stage, starts),
      mask: lists.mask,
    });
    return weightedMean(softplus(multiply(gaps, -1 / temperature)), ordered);
  },
});

/** How many of the tiers begin at or before each stage. */
function tierOf(stage: Tensor, starts: readonly number[]): Tensor {
  return starts.map((start) => indicator(greater(stage, start - 0.5))).reduce((a, b) => add(a, b));
}

/** The place of a stage among the dataset's. @throws CONFIG_INVALID where there is none of that name */
export function stageIndex(name: string, names: readonly string[], place: string): number {
  const index = names.indexOf(name);
  if (index >= 0) return index;
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `objectives: ${place}: the dataset has no stage "${name}"`,
    didYouMean(name, names),
  );
}
