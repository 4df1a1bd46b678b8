import { z } from 'zod';
import { didYouMean } from '../errors.js';
import { add, divide, multiply, sqrt, square, subtract, type Tensor } from '../graph/index.js';

export interface Update {
  value: Tensor;
  /** New value of each slot. */
  slots: Tensor[];
}

/**
 * An optimizer as formulas over tensors. The same ones update the dense parameters, as one long vector, and the touched rows
 * of every embedding table.
 */
export interface Optimizer {
  name: string;
  /** Names of what it remembers for every weight. */
  slots: readonly string[];
  /** First value of every slot. */
  initial: number;
  /** Numbers that depend on the step only, fed with every step: see `training-graph.ts`. */
  scalars(step: number): Record<string, number>;
  /** The change to a weight before the learning rate, from its gradient. */
  direction(
    gradient: Tensor,
    slots: readonly Tensor[],
    scalars: Record<string, Tensor>,
  ): { change: Tensor; slots: Tensor[] };
  /** Whether weight decay shrinks the weight directly (AdamW) instead of being part of the gradient. */
  decoupledDecay: boolean;
}

const epsilon = z.number().positive().describe('added to the divisor');
const sgd = z.strictObject({
  name: z.literal('sgd'),
  momentum: z.number().min(0).lt(1).default(0).describe('share of the step before that is made again'),
});
const adamFields = {
  beta1: z.number().min(0).lt(1).default(0.9).describe('memory of the mean gradient'),
  beta2: z.number().min(0).lt(1).default(0.999).describe('memory of the mean squared gradient'),
  epsilon: epsilon.default(1e-8),
};
const adam = z.strictObject({ name: z.literal('adam'), ...adamFields });
const adamw = z
  .strictObject({ name: z.literal('adamw'), ...adamFields })
  .describe('adam with weight decay applied to the weight itself');
const adagrad = z.strictObject({
  name: z.literal('adagrad'),
  epsilon: epsilon.default(1e-10),
  initial: z.number().min(0).default(0.1).describe('first value of the sums of squared gradients'),
});

export const optimizerOptions = z.discriminatedUnion('name', [sgd, adam, adamw, adagrad], {
  error: ({ input }) => {
    const said = typeof input === 'string' ? input : (input as { name?: unknown } | null | undefined)?.name;
    const names = ['sgd', 'adam', 'adamw', 'adagrad'];
    return typeof said === 'string' && !names.includes(said)
      ? `there is no optimizer "${said}", ${didYouMean(said, names)}`
      : `an optimizer is an object with a name, such as { name: adam }; known: ${names.join(', ')}`;
  },
});
export type OptimizerOptions = z.infer<typeof optimizerOptions>;

export function createOptimizer(options: OptimizerOptions): Optimizer {
  switch (options.name) {
    case 'sgd':
      return sgdOptimizer(options);
    case 'adam':
    case 'adamw':
      return adamOptimizer(options);
    case 'adagrad':
      return adagradOptimizer(options);
  }
}

/** Stochastic gradient descent with heavy-ball momentum: v ← μ·v + g, change v. */
function sgdOptimizer({ momentum }: z.infer<typeof sgd>): Optimizer {
  return {
    name: 'sgd',
    slots: momentum === 0 ? [] : ['velocity'],
    initial: 0,
    decoupledDecay: false,
    scalars: () => ({}),
    direction(gradient, [velocity]) {
      if (velocity === undefined) return { change: gradient, slots: [] };
      const next = add(multiply(velocity, momentum), gradient);
      return { change: next, slots: [next] };
    },
  };
}

/**
 * Adam (Kingma and Ba, 2015) and, with decoupled decay, AdamW (Loshchilov and Hutter, 2019). For table rows the moments move
 * only when the row is touched, while the bias correction counts all steps.
 */
function adamOptimizer({ name, beta1, beta2, epsilon }: z.infer<typeof adam> | z.infer<typeof adamw>): Optimizer {
  return {
    name,
    slots: ['mean', 'square'],
    initial: 0,
    decoupledDecay: name === 'adamw',
    scalars: (step) => ({ correction1: 1 / (1 - beta1 ** step), correction2: 1 / Math.sqrt(1 - beta2 ** step) }),
    direction(gradient, [mean, second], { correction1, correction2 }) {
      const nextMean = add(multiply(mean!, beta1), multiply(gradient, 1 - beta1));
      const nextSecond = add(multiply(second!, beta2), multiply(square(gradient), 1 - beta2));
      const scale = add(multiply(sqrt(nextSecond), correction2!), epsilon);
      return { change: divide(multiply(nextMean, correction1!), scale), slots: [nextMean, nextSecond] };
    },
  };
}

/** Adagrad (Duchi et al., 2011). */
function adagradOptimizer({ epsilon, initial }: z.infer<typeof adagrad>): Optimizer {
  return {
    name: 'adagrad',
    slots: ['sum'],
    initial,
    decoupledDecay: false,
    scalars: () => ({}),
    direction(gradient, [sum]) {
      const next = add(sum!, square(gradient));
      return { change: divide(gradient, add(sqrt(next), epsilon)), slots: [next] };
    },
  };
}

/** One update of a weight. `decay` and `rate` may be scalars or have one entry per weight; a decay of 0 is left out. */
export function applyOptimizer(
  optimizer: Optimizer,
  weight: Tensor,
  gradient: Tensor,
  slots: readonly Tensor[],
  { rate, decay, scalars }: { rate: Tensor; decay: Tensor | number; scalars: Record<string, Tensor> },
): Update {
  const decayed = decay === 0 ? undefined : multiply(weight, decay);
  const total = decayed === undefined || optimizer.decoupledDecay ? gradient : add(gradient, decayed);
  const { change, slots: next } = optimizer.direction(total, slots, scalars);
  const full = decayed !== undefined && optimizer.decoupledDecay ? add(change, decayed) : change;
  return { value: subtract(weight, multiply(full, rate)), slots: next };
}
