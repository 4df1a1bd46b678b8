import { argMax, equal, indicator, reduceMean, type Tensor } from '../../graph/index.js';
import { listDivergence } from '../../nn/losses/list-divergence.js';
import { present } from '../../nn/losses/lists.js';

/** The divergence of the student's lists from the teacher's (`listDivergence`), the mean over the lists. */
export function distillation(teacher: Tensor, student: Tensor, mask: Tensor, temperature: number): Tensor {
  return reduceMean(listDivergence(teacher, student, mask, temperature));
}

/** Share of the lists whose best candidate is the same by both scores. */
export function agreement(a: Tensor, b: Tensor, mask: Tensor): Tensor {
  return reduceMean(indicator(equal(argMax(present(a, mask)), argMax(present(b, mask)))));
}
