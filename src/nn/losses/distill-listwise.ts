import { z } from 'zod';
import { greater, indicator, squeeze } from '../../graph/index.js';
import { listDivergence } from './list-divergence.js';
import { lengths, listView } from './lists.js';
import { defineLoss } from './loss.js';
import { softening } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({ temperature: softening });

/**
 * Distillation of whole lists: T²·KL(softmax(teacher/T) ‖ softmax(s/T)) over the positions that the teacher scored, the
 * mean over the lists with at least two of them. What is constant within a list is not compared.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'distill-listwise',
  options,
  needs: 'lists',
  target: () => 'teacher',
  build(context, { temperature }) {
    const { scores, relevance, mask } = listView(context, 'teacher');
    const several = indicator(greater(squeeze(lengths(mask), -1), 1.5));
    return weightedMean(listDivergence(relevance, scores, mask, temperature), several);
  },
});
