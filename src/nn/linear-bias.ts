import { concat, reduceSum, type Tensor } from '../graph/index.js';
import { embedFields, type Field } from './fields.js';
import { zeros } from './initializers.js';

/**
 * A linear model over the id fields: [rows, 1]. Of each field one number, from tables `bias/VOCABULARY` that start at 0 (several
 * ids: their mean), summed over the fields. Nothing where no field has ids.
 */
export function linearBias(fields: readonly Field[]): Tensor | undefined {
  const weights = embedFields(fields, { width: 1, table: 'bias/', initialize: zeros });
  return weights.length === 0 ? undefined : reduceSum(concat(weights), -1, true);
}
