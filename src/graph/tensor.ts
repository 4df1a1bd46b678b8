import { TwoTowerError } from '../errors.js';
import type { DType } from './dtype.js';
import type { Emitter } from './emitter.js';
import { currentScope } from './scope.js';
import { type Dim, formatShape, type Shape } from './shape.js';

export type { DType };

/** A value of the symbolic graph: what an operation makes of its inputs. Immutable, evaluated only by a session. */
export interface Tensor {
  /** Creation order; inputs always have smaller ids than what is made of them. */
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Where in the model it was made: `user/mlp/dense1`. */
  readonly scope: string;
}

// biome-ignore lint/suspicious/noExplicitAny: each op knows the type of its own attributes
export type Attributes = Readonly<Record<string, any>>;

/**
 * One entry of the op table: shape rule, ONNX lowering and gradient side by side.
 * See `docs/extending.md` for how to add one.
 */
export interface Op {
  name: string;
  /** Shape and type of the output. Throws `unfit(...)` where the inputs do not fit; the op, shapes and place are added. */
  infer(inputs: readonly Tensor[], attributes: Attributes): { shape: Shape; dtype: DType };
  /** Emits ONNX nodes and returns the name of the value that holds the output. */
  lower(emit: Emitter, node: Tensor, inputs: string[]): string;
  /** Gradients of a scalar with respect to each input, given the one with respect to the output; undefined where none flows. */
  gradient?(node: Tensor, upstream: Tensor): (Tensor | undefined)[];
  /** Whether the output is the first input as it is; only the gradient differs. */
  passThrough?: boolean;
  /** Floating-point operations as multiples of element counts; one per output element where absent. */
  flops?(node: Tensor, size: (shape: Shape) => number): number;
}

/** Thrown by shape rules: why the inputs do not fit. `apply` turns it into an error that names op, shapes and place. */
export class Unfit extends Error {}

export function unfit(reason: string): never {
  throw new Unfit(reason);
}

let created = 0;

/** Makes the tensor that `op` computes from `inputs`. */
export function apply(op: Op, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor {
  const scope = currentScope();
  try {
    const { shape, dtype } = op.infer(inputs, attributes);
    return { id: created++, op, inputs, attributes, shape, dtype, scope };
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    const shapes = inputs.map((input) => `${input.dtype}${formatShape(input.shape)}`).join(', ');
    throw new TwoTowerError('GRAPH_SHAPE', `${scope || '(top)'}: ${op.name}(${shapes}): ${error.message}`);
  }
}

/** The size of an axis; negative axes count from the end. */
export function dimension(tensor: Tensor, axis: number): Dim {
  const dim = tensor.shape.at(axis);
  if (dim === undefined) {
    throw new TwoTowerError('GRAPH_SHAPE', `${tensor.scope}: no axis ${axis} in ${formatShape(tensor.shape)}`);
  }
  return dim;
}

/** The size of an axis that must be known while the graph is built (features, heads, positions). */
export function width(tensor: Tensor, axis = -1): number {
  const dim = dimension(tensor, axis);
  if (typeof dim !== 'number') {
    throw new TwoTowerError(
      'GRAPH_SHAPE',
      `${currentScope()}: axis ${axis} of ${formatShape(tensor.shape)} must be a number here, not the named size ${dim}`,
    );
  }
  return dim;
}
