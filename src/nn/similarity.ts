import {
  divide,
  isTraining,
  lengthOf,
  matMul,
  multiply,
  normalizeLength,
  reduceMax,
  reduceSum,
  squeeze,
  type Tensor,
} from '../graph/index.js';

/** Inner product along the last axis; the others broadcast: [..., d] and [..., d] → [...]. */
export function innerProduct(a: Tensor, b: Tensor): Tensor {
  return reduceSum(multiply(a, b), -1);
}

/** Cosine along the last axis; the others broadcast. A zero vector has cosine 0 with everything. */
export function cosine(a: Tensor, b: Tensor): Tensor {
  return innerProduct(normalizeLength(a), normalizeLength(b));
}

export interface MaxSimOptions {
  /** Compares by cosine instead of inner product. */
  cosine?: boolean;
}

/**
 * MaxSim (Khattab and Zaharia, 2020, section 3.3): Σ_i max_j ⟨u_i, v_j⟩ over the heads i of the user and j of the
 * item.
 * @param user [..., H, d]
 * @param item [..., H', d]; leading axes broadcast
 * @returns [...]
 */
export function maxSim(user: Tensor, item: Tensor, options: MaxSimOptions = {}): Tensor {
  if (!options.cosine) return reduceSum(bestOfItem(user, item), -1);
  if (isTraining()) return reduceSum(bestOfItem(normalizeLength(user), normalizeLength(item)), -1);
  // A user's length changes nothing about which of the item's heads is the best: one number a head is divided, not d.
  return reduceSum(divide(bestOfItem(user, normalizeLength(item)), lengthOf(user)), -1);
}

/** max_j ⟨u_i, v_j⟩: [..., H] */
function bestOfItem(u: Tensor, v: Tensor): Tensor {
  // One user against many items is one matrix product instead of one for each item.
  if (u.shape.length === 3 && u.shape[0] === 1 && v.shape.length === 3) {
    return reduceMax(matMul(v, squeeze(u, 0), { transposeB: true }), -2);
  }
  return reduceMax(matMul(u, v, { transposeB: true }), -1);
}
