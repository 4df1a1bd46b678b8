import { z } from 'zod';
import { add, greater, indicator, multiply, squeeze } from '../../graph/index.js';
import { listDivergence } from './list-divergence.js';
import { atLists, lengths, required } from './lists.js';
import { defineLoss } from './loss.js';
import { softening } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({
  temperature: softening,
  eta: z
    .number()
    .min(0)
    .default(0.25)
    .describe('η: weight of the direction from the candidate scores into the listwise part'),
});

/**
 * The distillation of LT-TTD (Abraich, 2025) for any model with a listwise part: the list's final scores teach the
 * candidate scores, KL(rerank ‖ score), and η times the other way round; the mean over the lists with at least two items.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'two-way-distillation',
  options,
  needs: 'rerank',
  target: () => 'teacher',
  build(context, { temperature, eta }) {
    const lists = required(context, 'lists');
    const reranked = required(context, 'reranked');
    const scores = atLists(context.logits, lists);
    const down = listDivergence(reranked, scores, lists.mask, temperature);
    const both = eta === 0 ? down : add(down, multiply(listDivergence(scores, reranked, lists.mask, temperature), eta));
    return weightedMean(both, indicator(greater(squeeze(lengths(lists.mask), -1), 1.5)));
  },
});
