import {
  add,
  concat,
  constant,
  divide,
  expandDims,
  indicator,
  maximum,
  multiply,
  or,
  reduceSum,
  scalar,
  shared,
  slice,
  sqrt,
  square,
  squeeze,
  state,
  stopGradient,
  subtract,
  type Tensor,
  updateState,
  width,
} from '../../graph/index.js';
import { ones } from '../../nn/initializers.js';
import { ESTIMATORS } from './estimators.js';
import type { Options } from './options.js';

/** Past items x_1 … x_n [R, n, d], oldest first, zeros where there is none, and which of them there are: bool [R, n]. */
export interface Sequence {
  items: Tensor;
  mask: Tensor;
}

/** Guesses the item after a sequence: x̂_{n+1} [R, d]. */
export interface Generator {
  /**
   * The guess and the loss, not yet weighted.
   * @param next x_{n+1} [R, d]
   * @param counted float32 [R]: 1 for sequences whose next item is to be learned
   */
  train(past: Sequence, next: Tensor, counted: Tensor): { guess: Tensor; loss: Tensor };
  serve(past: Sequence): Tensor;
}

/** How much of a running mean stays at each step. */
const MOMENTUM = 0.9;

/** The generator for sequences of `length`, or none. */
export function createGenerator(options: Options, length: number): Generator | undefined {
  const { generator, distance, scaled, stopInput, guess } = options;
  if (generator === 'none') return undefined;
  const estimator = ESTIMATORS[generator](options, length);
  const drifts = generator !== 'raw-diffusion';
  const door = (x: Tensor) => (stopInput ? stopGradient(x) : x);
  const last = (x: Tensor) => squeeze(slice(x, 1, length - 1), 1);
  /** Drift utilization: of the estimated sequence only the end is used. */
  const utilize = (past: Tensor, estimate: Tensor, size: Tensor) => {
    const end = multiply(last(estimate), size);
    return drifts ? add(last(past), end) : end;
  };

  return {
    train({ items, mask }, next, counted) {
      const past = door(items);
      const following = door(concat([slice(items, 1, 1), expandDims(next, 1)], 1));
      // The last step always counts: whoever has no events starts from zero.
      const present = expandDims(indicator(or(mask, lastPosition(length))), -1);
      const sequence = multiply(drifts ? subtract(following, past) : following, present);
      const size = scaled ? sizeInBatch(sequence, present) : scalar(1);
      const [clean, condition] = [divide(sequence, size), divide(past, size)];
      const { estimate, divergence } = estimator.learn(clean, condition);
      const squares = reduceSum(square(subtract(clean, estimate)), -1, true);
      const apart = distance === 'squared' ? divide(squares, width(clean)) : sqrt(add(squares, 1e-12));
      const counts = multiply(present, expandDims(expandDims(counted, -1), -1));
      const total = reduceSum(multiply(divergence === undefined ? apart : add(apart, divergence), counts));
      return {
        guess: utilize(past, guess === 'noise' ? estimator.draw(condition) : estimate, size),
        loss: divide(total, maximum(reduceSum(counts), 1)),
      };
    },
    serve({ items }) {
      const past = door(items);
      const size = scaled ? runningSize() : scalar(1);
      return utilize(past, estimator.serve(divide(past, size)), size);
    },
  };
}

/** bool [n]: true at the last position. */
function lastPosition(length: number): Tensor {
  return constant(new Array(length).fill(0).with(-1, 1), [length], 'bool');
}

const runningSize = (): Tensor => shared('generator', () => state('size', [], ones));

/** Root mean square of what is to be generated, which becomes part of the running one: a scalar. */
function sizeInBatch(sequence: Tensor, present: Tensor): Tensor {
  const running = runningSize();
  // The last step of every sequence counts, so there is always something to divide by.
  const count = multiply(reduceSum(present), width(sequence));
  const size = stopGradient(sqrt(add(divide(reduceSum(square(sequence)), count), 1e-12)));
  updateState(running, add(multiply(running, MOMENTUM), multiply(size, 1 - MOMENTUM)));
  return size;
}
