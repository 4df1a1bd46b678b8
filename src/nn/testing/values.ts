import type { Feed } from '../../schema.js';

export type Nested = number | readonly Nested[];

function shapeOf(values: Nested): number[] {
  return typeof values === 'number' ? [] : [values.length, ...shapeOf(values[0] ?? 0)];
}

const flat = (values: Nested): number[] => (typeof values === 'number' ? [values] : values.flatMap(flat));

/** Feeds written as nested lists. */
export const floats = (values: Nested): Feed => ({ data: Float32Array.from(flat(values)), shape: shapeOf(values) });
export const ints = (values: Nested): Feed => ({ data: Int32Array.from(flat(values)), shape: shapeOf(values) });
/** 1 for true, 0 for false. */
export const bools = (values: Nested): Feed => ({ data: Uint8Array.from(flat(values)), shape: shapeOf(values) });

/** `size` different, uneven numbers between -1 and 1: the same ones for the same `salt`. */
export function uneven(shape: readonly number[], salt = 1): Feed {
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    data: Float32Array.from({ length: size }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * salt)),
    shape: [...shape],
  };
}
