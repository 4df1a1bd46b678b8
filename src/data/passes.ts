import { Random } from '../random.js';

/** Where a step stands. */
export interface Place {
  /** Which of the parts is gone over. */
  part: number;
  /** How many parts were gone over before, in all epochs. */
  pass: number;
  /** Step within the pass, from 0. */
  step: number;
}

/** The order in which training goes over parts that are held one at a time: every epoch all of them, each whole. */
export interface Passes {
  stepsPerEpoch: number;
  /** Of any step, counted from 0 over all epochs. */
  at(step: number): Place;
}

/**
 * The order of the parts follows from the seed and the epoch alone. The last batch of a part may be smaller than the others.
 *
 * @param sizes of the parts, in samples; a log that is held whole is one part
 */
export function passesOver(sizes: readonly number[], batchSize: number, seed: number): Passes {
  const steps = sizes.map((size) => Math.ceil(size / batchSize));
  const stepsPerEpoch = steps.reduce((a, b) => a + b, 0);
  let known: { epoch: number; order: number[] } | undefined;
  const orderOf = (epoch: number) => {
    if (known?.epoch !== epoch) {
      known = { epoch, order: Random.of(seed, 'windows', epoch).shuffle([...sizes.keys()]) };
    }
    return known.order;
  };
  return {
    stepsPerEpoch,
    at(step) {
      const epoch = Math.floor(step / stepsPerEpoch);
      let within = step % stepsPerEpoch;
      const order = orderOf(epoch);
      let position = 0;
      while (within >= steps[order[position]!]!) within -= steps[order[position++]!]!;
      return { part: order[position]!, pass: epoch * sizes.length + position, step: within };
    },
  };
}
