import type { OptimizerOptions } from '../optimizers.js';

/** Updates one weight; what it remembers stays inside. `rate` and `decay` hold for this step alone. */
export type PlainUpdate = (weight: number, gradient: number, rate: number, decay: number, step: number) => number;

/** The optimizers once more, one weight at a time in double precision, written from their papers. */
export function plainOptimizer(options: OptimizerOptions): PlainUpdate {
  switch (options.name) {
    case 'sgd': {
      let velocity = 0;
      return (weight, gradient, rate, decay) => {
        velocity = options.momentum * velocity + (gradient + decay * weight);
        return weight - rate * velocity;
      };
    }
    case 'adam':
    case 'adamw': {
      const { beta1, beta2, epsilon } = options;
      let m = 0;
      let v = 0;
      return (weight, gradient, rate, decay, step) => {
        const g = options.name === 'adam' ? gradient + decay * weight : gradient;
        m = beta1 * m + (1 - beta1) * g;
        v = beta2 * v + (1 - beta2) * g * g;
        const mHat = m / (1 - beta1 ** step);
        const vHat = v / (1 - beta2 ** step);
        const shrunk = options.name === 'adamw' ? weight - rate * decay * weight : weight;
        return shrunk - (rate * mHat) / (Math.sqrt(vHat) + epsilon);
      };
    }
    case 'adagrad': {
      let sum = options.initial;
      return (weight, gradient, rate, decay) => {
        const g = gradient + decay * weight;
        sum += g * g;
        return weight - (rate * g) / (Math.sqrt(sum) + options.epsilon);
      };
    }
  }
}
