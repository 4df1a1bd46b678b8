import type { Initializer } from '../graph/index.js';

/** Fans of a weight [in, out]; vectors count as one row. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const fanOut = shape.at(-1) ?? 1;
  const size = shape.reduce((a, b) => a * b, 1);
  return { fanIn: shape.length > 1 ? size / fanOut : 1, fanOut };
}

function filled(shape: readonly number[], value: () => number): Float32Array {
  return new Float32Array(shape.reduce((a, b) => a * b, 1)).map(value);
}

export const zeros: Initializer = (shape) => filled(shape, () => 0);
export const ones: Initializer = (shape) => filled(shape, () => 1);

export function constantValue(value: number): Initializer {
  return (shape) => filled(shape, () => value);
}

/** N(0, deviation²). */
export function normal(deviation: number): Initializer {
  return (shape, random) => filled(shape, () => deviation * random.normal());
}

/** U(-limit, limit). */
export function uniform(limit: number): Initializer {
  return (shape, random) => filled(shape, () => limit * (2 * random.uniform() - 1));
}

/** Glorot and Bengio (2010), uniform: U(±√(6 / (fanIn + fanOut))). */
export const glorotUniform: Initializer = (shape, random) => {
  const { fanIn, fanOut } = fans(shape);
  return uniform(Math.sqrt(6 / (fanIn + fanOut)))(shape, random);
};

/** He et al. (2015), normal, for layers followed by ReLU: N(0, 2 / fanIn). */
export const heNormal: Initializer = (shape, random) => normal(Math.sqrt(2 / fans(shape).fanIn))(shape, random);

/** U(±√(1 / fanIn)): He et al. (2015) with slope √5, the usual default of fully connected layers. */
export const kaimingUniform: Initializer = (shape, random) => uniform(Math.sqrt(1 / fans(shape).fanIn))(shape, random);
