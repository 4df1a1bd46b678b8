/**
 * A dimension is a number, or a monomial of named sizes known only when a session runs: `'B'`, `'P'`, `'50*B'`.
 * Names stand for sizes that may be 1 at run time; only the literal 1 broadcasts.
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** A dimension taken apart: `'50*B'` is factor 50 and names ['B']. */
export interface Monomial {
  factor: number;
  names: string[];
}

export function parse(dim: Dim): Monomial {
  if (typeof dim === 'number') return { factor: dim, names: [] };
  const parts = dim.split('*');
  const factor = /^\d+$/.test(parts[0]!) ? Number(parts.shift()) : 1;
  return { factor, names: parts };
}

function print({ factor, names }: Monomial): Dim {
  if (names.length === 0) return factor;
  const sorted = [...names].sort().join('*');
  return factor === 1 ? sorted : `${factor}*${sorted}`;
}

/** The product of dimensions in canonical form. */
export function product(dims: Shape): Dim {
  const total: Monomial = { factor: 1, names: [] };
  for (const dim of dims) {
    const { factor, names } = parse(dim);
    total.factor *= factor;
    total.names.push(...names);
  }
  return print(total);
}

/** `total / part`, or undefined where it is not a whole monomial. */
export function quotient(total: Dim, part: Dim): Dim | undefined {
  const result = parse(total);
  const { factor, names } = parse(part);
  if (result.factor % factor !== 0) return undefined;
  result.factor /= factor;
  for (const name of names) {
    const at = result.names.indexOf(name);
    if (at < 0) return undefined;
    result.names.splice(at, 1);
  }
  return print(result);
}

/** The value of a dimension once every name is bound. */
export function evaluate(dim: Dim, bound: ReadonlyMap<string, number>): number {
  const { factor, names } = parse(dim);
  return names.reduce((value, name) => {
    const size = bound.get(name);
    if (size === undefined) throw new RangeError(`dimension ${name} is not bound`);
    return value * size;
  }, factor);
}

/** Whether every name of a dimension is among these. */
export function isBound(dim: Dim, bound: ReadonlyMap<string, number>): boolean {
  return parse(dim).names.every((name) => bound.has(name));
}

/** The numpy broadcast of two shapes, or undefined where they do not fit. */
export function broadcast(a: Shape, b: Shape): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) result.push(x);
    else if (x === 1) result.push(y);
    else return undefined;
  }
  return result;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Axis as a non-negative number; negative axes count from the end. Undefined when out of range. */
export function normalizeAxis(axis: number, rank: number): number | undefined {
  const normal = axis < 0 ? axis + rank : axis;
  return normal >= 0 && normal < rank ? normal : undefined;
}
