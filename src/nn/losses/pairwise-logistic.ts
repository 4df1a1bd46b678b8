import { z } from 'zod';
import { multiply, softplus } from '../../graph/index.js';
import { byAnything, listView, targetOf } from './lists.js';
import { defineLoss } from './loss.js';
import { orderedPairs } from './pairwise.js';
import { scoreTemperature } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({ by: byAnything, temperature: scoreTemperature });

/**
 * RankNet (Burges et al., 2005): log(1 + e^{−(s_i − s_j)/T}), the mean over all two positions i, j of a list of which i is
 * better. Equally good ones are not compared.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'pairwise-logistic',
  options,
  needs: 'lists',
  target: targetOf,
  build(context, { by, temperature }) {
    const { gaps, ordered } = orderedPairs(listView(context, by));
    return weightedMean(softplus(multiply(gaps, -1 / temperature)), ordered);
  },
});
