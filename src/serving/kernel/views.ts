import type { Code } from '../../assembler.js';

/** Bytes of one element: four candidates side by side, or one number that is the same for all of them. */
export const LANES = 16;
export const SHARED = 4;

/** Where a value lies in memory: element i at `at + size · Σ i·strides`. */
export interface View {
  shape: readonly number[];
  strides: readonly number[];
  at: number;
  size: typeof LANES | typeof SHARED;
  /** Inside of loops, the local with what their counters add to the address; absent where they add nothing. */
  base?: number | undefined;
}

/** One element. */
export type Place = Pick<View, 'at' | 'size' | 'base'>;

export const countOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export function contiguous(shape: readonly number[], at: number, size: View['size']): View {
  const strides: number[] = [];
  for (let axis = shape.length - 1, step = 1; axis >= 0; step *= shape[axis--]!) strides[axis] = step;
  return { shape, strides, at, size };
}

/** The same elements in another shape; undefined where they would have to be moved for it. */
export function reshaped(view: View, shape: readonly number[]): View | undefined {
  const whole = contiguous(view.shape, view.at, view.size);
  const isWhole = view.shape.every((size, axis) => size === 1 || view.strides[axis] === whole.strides[axis]);
  return isWhole ? contiguous(shape, view.at, view.size) : undefined;
}

/** Axis i of the result is axis `order[i]`. */
export function transposed(view: View, order: readonly number[]): View {
  return {
    ...view,
    shape: order.map((axis) => view.shape[axis]!),
    strides: order.map((axis) => view.strides[axis]!),
  };
}

/** The view as seen from a shape that it broadcasts to. */
export function broadcast(view: View, shape: readonly number[]): View {
  const missing = shape.length - view.shape.length;
  const strides = shape.map((_, axis) =>
    axis < missing || view.shape[axis - missing] === 1 ? 0 : view.strides[axis - missing]!,
  );
  return { ...view, shape, strides };
}

/** The shape that two broadcast to; undefined where they do not. */
export function jointShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const [one, other] = [a[a.length - rank + axis] ?? 1, b[b.length - rank + axis] ?? 1];
    if (one !== other && one !== 1 && other !== 1) return undefined;
    shape.push(Math.max(one, other));
  }
  return shape;
}

/** Cuts an axis into blocks of so many: [..., n, ...] → [..., n / of, of, ...]. */
export function cut(view: View, axis: number, of: number): View {
  const [n, stride] = [view.shape[axis]!, view.strides[axis]!];
  return {
    ...view,
    shape: view.shape.toSpliced(axis, 1, n / of, of),
    strides: view.strides.toSpliced(axis, 1, stride * of, stride),
  };
}

/** Every index of a shape, in order. */
function* indices(shape: readonly number[]): Generator<number[]> {
  const index = shape.map(() => 0);
  for (let left = countOf(shape); left > 0; left--) {
    yield [...index];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
}

/** The element at an index. */
function placeAt({ strides, at, size, base }: View, index: readonly number[]): Place {
  return { at: at + size * index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0), size, base };
}

/** Loops over the first `axes` axes, which all views have in common; `body` gets what remains of each view. */
export function nested(code: Code, views: readonly View[], axes: number, body: (rest: View[]) => void): void {
  const descend = (axis: number, counters: readonly (number | undefined)[]): void => {
    if (axis === axes) body(views.map((view) => within(code, view, counters)));
    else if (views[0]!.shape[axis] === 1) descend(axis + 1, [...counters, undefined]);
    else code.loop(views[0]!.shape[axis]!, (counter) => descend(axis + 1, [...counters, counter]));
  };
  descend(0, []);
}

/**
 * Passes over all elements of views of one shape, up to `most` of the last axes written out one after the other. `body` gets the place in
 * each view, and which of those written out it is.
 */
export function each(
  code: Code,
  views: readonly View[],
  most: number,
  body: (places: Place[], at: number) => void,
): void {
  const { shape } = views[0]!;
  let axes = shape.length;
  let written = 1;
  while (axes > 0 && written * shape[axes - 1]! <= most) written *= shape[--axes]!;
  // Of an axis that is too long a part of each step.
  const of = axes === 0 ? 1 : divisor(shape[axes - 1]!, Math.floor(most / written));
  const parts = of === 1 ? views : views.map((view) => cut(view, axes - 1, of));
  nested(code, parts, axes, (rest) => {
    let at = 0;
    for (const index of indices(rest[0]!.shape))
      body(
        rest.map((view) => placeAt(view, index)),
        at++,
      );
  });
}

/** The largest one up to `most`. */
export function divisor(of: number, most: number): number {
  let found = Math.max(1, Math.min(of, most));
  while (of % found !== 0) found--;
  return found;
}

/** What the counters leave of a view. */
function within(code: Code, view: View, counters: readonly (number | undefined)[]): View {
  const rest = { ...view, shape: view.shape.slice(counters.length), strides: view.strides.slice(counters.length) };
  const moving = counters.flatMap((counter, axis) => {
    const step = view.strides[axis]! * view.size;
    return counter === undefined || step === 0 ? [] : [{ counter, step }];
  });
  if (moving.length === 0) return rest;
  const base = code.local('i32');
  moving.forEach(({ counter, step }, i) => {
    code.get(counter).int(step).op('multiply');
    if (i > 0) code.op('add');
  });
  if (view.base !== undefined) code.get(view.base).op('add');
  code.set(base);
  return { ...rest, base };
}
