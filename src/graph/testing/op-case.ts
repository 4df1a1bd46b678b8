import { Random } from '../../random.js';
import type { Feed, FeedArray, Feeds } from '../../schema.js';
import { input } from '../ops/leaves.js';
import type { Dim } from '../shape.js';
import type { DType, Op, Tensor } from '../tensor.js';

export type Nested = number | readonly Nested[];

/** Makes a fed tensor of the given values; `dims` names some of its sizes. */
export type Leaf = (values: Nested, dims?: readonly Dim[], dtype?: DType) => Tensor;

/** One use of an op: what it must compute, and a graph whose gradients must agree with differences. */
export interface OpCase {
  op: Op;
  title: string;
  build(leaf: Leaf): Tensor;
  /** Worked out by hand. */
  expected?: Nested;
  /** Gradients of the plain sum of the output by leaf, where differences do not exist (ties, kinks). */
  gradients?: readonly Nested[];
}

export function opCase(
  op: Op,
  title: string,
  build: OpCase['build'],
  rest: Omit<OpCase, 'op' | 'title' | 'build'> = {},
): OpCase {
  return { op, title, build, ...rest };
}

/** Builds a case's tensor along with the feeds of its leaves, `x0`, `x1`, … */
export function realize(build: OpCase['build']): { output: Tensor; leaves: Tensor[]; feeds: Feeds } {
  const feeds: Feeds = {};
  const leaves: Tensor[] = [];
  const output = build((values, dims, dtype = 'float32') => {
    const feed = feedOf(values, dtype);
    const tensor = input(`x${leaves.length}`, dims ?? feed.shape, dtype);
    feeds[`x${leaves.length}`] = feed;
    leaves.push(tensor);
    return tensor;
  });
  return { output, leaves, feeds };
}

export function feedOf(values: Nested, dtype: DType = 'float32'): Feed {
  const flat = flatten(values);
  const arrays: Partial<Record<DType, (from: number[]) => FeedArray>> = {
    float32: (from) => Float32Array.from(from),
    int32: (from) => Int32Array.from(from),
    bool: (from) => Uint8Array.from(from),
  };
  return { data: arrays[dtype]!(flat), shape: shapeOf(values) };
}

export function flatten(values: Nested): number[] {
  return typeof values === 'number' ? [values] : values.flatMap(flatten);
}

export function shapeOf(values: Nested): number[] {
  return typeof values === 'number' ? [] : [values.length, ...(values.length === 0 ? [] : shapeOf(values[0]!))];
}

/** Fixed numbers of either sign, none closer to zero than 0.1, so that kinks at zero stay out of a difference's reach. */
export function numbers(shape: readonly number[], seed = 1): Nested {
  const random = Random.of(seed, 'numbers', ...shape);
  const fill = ([size, ...rest]: readonly number[]): Nested =>
    size === undefined
      ? (random.below(2) === 0 ? 1 : -1) * (0.1 + 1.4 * random.uniform())
      : Array.from({ length: size }, () => fill(rest));
  return fill(shape);
}
