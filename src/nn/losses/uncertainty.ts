import { add, exp, inScope, multiply, negate, parameter, reduceSum, type Tensor } from '../../graph/index.js';
import { zeros } from '../initializers.js';

/** e^{−u}·L + u with a learned u (Kendall et al., 2018, in the form with log-variances), which starts at 0. */
export function byUncertainty(name: string, loss: Tensor): Tensor {
  const u = reduceSum(inScope('uncertainty', () => parameter(name, [1], zeros)));
  return add(multiply(loss, exp(negate(u))), u);
}
