import { TwoTowerError } from '../errors.js';
import { Random } from '../random.js';

/** The batches of one epoch, any of which may be asked for at any time, as a resumed run does. */
export interface Epoch {
  /** Batches in this epoch. */
  steps: number;
  /** Event rows of batch `step`, counted from 0 within the epoch. A view: do not write to it. */
  rows(step: number): Uint32Array;
}

/**
 * Cuts rows into batches, in an order that follows from the seed and the epoch alone. Every row comes once; the last batch may
 * be smaller.
 */
export function epochBatches(rows: Uint32Array, batchSize: number, seed: number, epoch: number): Epoch {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new TwoTowerError('CONFIG_INVALID', `batch size ${batchSize} is not a whole number above 0`);
  }
  const order = Random.of(seed, 'epoch', epoch).shuffle(rows.slice());
  const steps = Math.ceil(rows.length / batchSize);
  return {
    steps,
    rows(step) {
      if (!Number.isInteger(step) || step < 0 || step >= steps) {
        throw new RangeError(`step ${step} is not one of the epoch's ${steps}`);
      }
      return order.subarray(step * batchSize, (step + 1) * batchSize);
    },
  };
}
