import { TwoTowerError } from '../errors.js';
import { Random } from '../random.js';

export interface EpochOptions {
  /** Draw the order from the seed; otherwise rows come as given. On unless said otherwise. */
  shuffle?: boolean;
  /** Leave an incomplete last batch out. */
  dropLast?: boolean;
}

/** The batches of one epoch, any of which may be asked for at any time, as a resumed run does. */
export interface Epoch {
  /** Batches in this epoch. */
  steps: number;
  /** Event rows of batch `step`, counted from 0 within the epoch. A view: do not write to it. */
  rows(step: number): Uint32Array;
}

/**
 * Cuts rows into batches, in an order that follows from the seed and the epoch alone. Every row comes once, but for those of
 * an incomplete last batch under `dropLast`.
 */
export function epochBatches(
  rows: Uint32Array,
  batchSize: number,
  seed: number,
  epoch: number,
  options: EpochOptions = {},
): Epoch {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new TwoTowerError('CONFIG_INVALID', `batch size ${batchSize} is not a whole number above 0`);
  }
  const order = options.shuffle === false ? rows : shuffled(rows, Random.of(seed, 'epoch', epoch));
  const steps = options.dropLast ? Math.floor(rows.length / batchSize) : Math.ceil(rows.length / batchSize);
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

function shuffled(rows: Uint32Array, random: Random): Uint32Array {
  return random.shuffle(rows.slice());
}
