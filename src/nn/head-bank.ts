import { reshape, type Tensor } from '../graph/index.js';
import { dense } from './dense.js';
import { kaimingUniform } from './initializers.js';

/** Several vectors from one by a single linear layer: [rows, in] → [rows, heads, width]. */
export function headBank(name: string, x: Tensor, heads: number, width: number): Tensor {
  const flat = dense(name, x, heads * width, { initialize: kaimingUniform });
  return reshape(flat, [x.shape[0]!, heads, width]);
}
