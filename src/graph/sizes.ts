import type { Emitter } from './emitter.js';
import { type Dim, parse, type Shape } from './shape.js';

/** A value whose sizes can be read at run time. */
export interface SizeSource {
  value: string;
  shape: Shape;
}

/** Whether the run can compute a dimension from axes of the given shapes: it is a number, an axis, or a product of axes. */
export function isReadable(dim: Dim, shapes: readonly Shape[]): boolean {
  const known = (size: Dim) => shapes.some((shape) => shape.includes(size));
  return typeof dim === 'number' || known(dim) || parse(dim).names.every(known);
}

/** Emits an int64 vector with the sizes of `shape`; unreadable ones become -1, which a Reshape fills in. */
export function emitShape(emit: Emitter, shape: Shape, sources: readonly SizeSource[]): string {
  if (shape.every((dim) => typeof dim === 'number')) return emit.ints(shape);
  const axis = (dim: Dim): string | undefined => {
    const source = sources.find((candidate) => candidate.shape.includes(dim));
    if (source === undefined) return undefined;
    return emit.node('Gather', [emit.node('Shape', [source.value]), emit.ints([source.shape.indexOf(dim)])]);
  };
  const parts = shape.map((dim) => {
    if (typeof dim === 'number') return emit.ints([dim]);
    const whole = axis(dim);
    if (whole !== undefined) return whole;
    const { factor, names } = parse(dim);
    const sizes = names.map(axis);
    if (!sizes.every((size) => size !== undefined)) return emit.ints([-1]);
    return sizes.reduce((total, size) => emit.node('Mul', [total, size]), emit.ints([factor]));
  });
  return emit.node('Concat', parts, { axis: 0 });
}
