import { z } from 'zod';
import { relu, subtract } from '../../graph/index.js';
import { byAnything, listView, targetOf } from './lists.js';
import { defineLoss } from './loss.js';
import { orderedPairs } from './pairwise.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({
  by: byAnything,
  margin: z.number().positive().default(1).describe('how far the better score must be above the other'),
});

/**
 * The ranking SVM's loss (Herbrich et al., 1999): max(0, margin − (s_i − s_j)), the mean over all two positions i, j of a list
 * of which i is better.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'pairwise-hinge',
  options,
  needs: 'lists',
  target: targetOf,
  build(context, { by, margin }) {
    const { gaps, ordered } = orderedPairs(listView(context, by));
    return weightedMean(relu(subtract(margin, gaps)), ordered);
  },
});
