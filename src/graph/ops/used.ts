import { reachable } from '../gradient.js';
import { evaluate, formatShape, product, type Shape, sameShape } from '../shape.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { reduceSum } from './broadcast.js';
import { reshape } from './reshape.js';

// Padded lists are computed as if what pads them were something. What is the same for every position by itself can be
// computed for those alone that hold something: taken out one after the other, and put back with zeros between.

/** The positions of lists that hold something, one after the other. */
export interface Used {
  /** bool [..., L] */
  mask: Tensor;
  /** int64 [E]: where each stands, counted over all axes of the mask. */
  places: Tensor;
  /** int32 [...]: how many there are of each list, at its end. */
  length?: Tensor | undefined;
}

const countOf = ({ attributes }: Tensor): string => attributes.count;

/** int64 [E]: the places where a mask holds, counted over all its axes. E is known only when a session runs. */
export const placesOp: Op = {
  name: 'places',
  infer([mask], { count }) {
    if (mask!.dtype !== 'bool') unfit('the mask must be bool');
    if (mask!.shape.length < 1) unfit('needs an axis');
    return { shape: [count], dtype: 'int64' };
  },
  lower(emit, _, [mask]) {
    const flat = emit.node('Reshape', [mask!, emit.ints([-1])]);
    return emit.node('Reshape', [emit.node('NonZero', [flat]), emit.ints([-1])]);
  },
  flops: () => 0,
};

/**
 * The positions of lists where `mask`, bool [..., L], says that they hold something.
 * @param length int32 [...], where the mask says so of the last `length` positions
 */
export function used(mask: Tensor, length?: Tensor): Used {
  // Told by what the mask is made of, so that the same mask, made twice, has the same count.
  const fed = reachable([mask]).flatMap(({ op, attributes }) => (op.name === 'input' ? [attributes.name] : []));
  const count = `E:${[...mask.shape, ...new Set(fed)].join('·').replaceAll('*', '·')}`;
  return { mask, places: apply(placesOp, [mask], { count }), length };
}

/** The sizes that are known, and with them how many used positions there are where every list is full. */
export function withFullLists(nodes: readonly Tensor[], sizes: ReadonlyMap<string, number>): Map<string, number> {
  const bound = new Map(sizes);
  for (const { op, attributes, inputs } of nodes) {
    if (op === placesOp) bound.set(attributes.count, evaluate(product(inputs[0]!.shape), bound));
  }
  return bound;
}

/** What stands at the used places: [..., L, …] → [E, …]. The third input is the mask. */
export const takeUsedOp: Op = {
  name: 'takeUsed',
  infer([x, places, mask]) {
    const { length } = mask!.shape;
    if (!sameShape(x!.shape.slice(0, length), mask!.shape)) unfit('the first axes are not those of the mask');
    requireKnown(x!.shape.slice(length));
    return { shape: [countOf(places!), ...x!.shape.slice(length)], dtype: x!.dtype };
  },
  lower(emit, node, [x, places]) {
    const [from, , mask] = node.inputs as [Tensor, Tensor, Tensor];
    if (mask.shape.length === 1) return emit.node('Gather', [x!, places!], { axis: 0 });
    const flat = emit.node('Reshape', [x!, emit.ints([-1, ...(from.shape.slice(mask.shape.length) as number[])])]);
    return emit.node('Gather', [flat, places!], { axis: 0 });
  },
  gradient: (node, upstream) => [putBack(upstream, usedOf(node)), undefined, undefined],
  flops: () => 0,
};

/** @param x [..., L, …], of the positions that `used` has: → [E, …] */
export const takeUsed = (x: Tensor, { places, mask }: Used): Tensor => apply(takeUsedOp, [x, places, mask]);

/** Each value at its place, zeros elsewhere: [E, …] → [..., L, …]. The gradient of `takeUsed`, which is its. */
export const putBackOp: Op = {
  name: 'putBack',
  infer([values, places, mask]) {
    if (values!.shape[0] !== places!.shape[0]) unfit('needs one row for each used position');
    if (values!.dtype !== 'float32') unfit('only float32 is put back');
    requireKnown(values!.shape.slice(1));
    return { shape: [...mask!.shape, ...values!.shape.slice(1)], dtype: values!.dtype };
  },
  lower(emit, node, [values, places, mask]) {
    const [from, , pattern] = node.inputs as [Tensor, Tensor, Tensor];
    const rest = from.shape.slice(1) as number[];
    const count = emit.node('Size', [mask!]);
    const rows = emit.node('Reshape', [count, emit.ints([1])]);
    const size = rest.length === 0 ? rows : emit.node('Concat', [rows, emit.ints(rest)], { axis: 0 });
    const zeros = emit.node('ConstantOfShape', [size]);
    const at = emit.node('Unsqueeze', [places!, emit.ints([1])]);
    const placed = emit.node('ScatterND', [zeros, at, values!]);
    if (pattern.shape.length === 1) return placed;
    const shape = emit.node('Shape', [mask!]);
    const whole = rest.length === 0 ? shape : emit.node('Concat', [shape, emit.ints(rest)], { axis: 0 });
    return emit.node('Reshape', [placed, whole]);
  },
  gradient: (node, upstream) => [takeUsed(upstream, usedOf(node)), undefined, undefined],
  flops: () => 0,
};

/** @param values [E, …] → [..., L, …] */
export const putBack = (values: Tensor, { places, mask }: Used): Tensor => apply(putBackOp, [values, places, mask]);

/** For each used position what there is of its list, or of its position in every list. */
export const repeatUsedOp: Op = {
  name: 'repeatUsed',
  infer([x, places, mask], { by }) {
    const own = ownAxes(mask!.shape, by);
    if (!sameShape(x!.shape.slice(0, own.length), own)) unfit(`the first axes are not ${formatShape(own)}`);
    requireKnown(x!.shape.slice(own.length));
    return { shape: [countOf(places!), ...x!.shape.slice(own.length)], dtype: x!.dtype };
  },
  lower(emit, node, [x, places]) {
    const [from, , mask] = node.inputs as [Tensor, Tensor, Tensor];
    const { by } = node.attributes;
    const length = emit.ints([mask.shape.at(-1) as number]);
    const rows = emit.node(by === 'list' ? 'Div' : 'Mod', [places!, length]);
    const own = ownAxes(mask.shape, by).length;
    const flat = own === 1 ? x! : emit.node('Reshape', [x!, emit.ints([-1, ...(from.shape.slice(own) as number[])])]);
    return emit.node('Gather', [flat, rows], { axis: 0 });
  },
  gradient(node, upstream) {
    const [x, , mask] = node.inputs as [Tensor, Tensor, Tensor];
    const whole = putBack(upstream, usedOf(node));
    const last = mask.shape.length - 1;
    const axes = node.attributes.by === 'list' ? [last] : Array.from({ length: last }, (_, axis) => axis);
    return [reshape(reduceSum(whole, axes), x.shape, x), undefined, undefined];
  },
  flops: () => 0,
};

/**
 * For each used position a row of `x`: of its list, [..., …] → [E, …], or by its position in any list, [L, …] → [E, …].
 * Their number L must be known.
 */
export const repeatUsed = (x: Tensor, { places, mask }: Used, by: 'list' | 'position'): Tensor =>
  apply(repeatUsedOp, [x, places, mask], { by });

function ownAxes(mask: Shape, by: 'list' | 'position'): Shape {
  if (typeof mask.at(-1) !== 'number') unfit('the length of the lists must be a number');
  if (mask.length < 2) unfit('needs lists, not one');
  return by === 'list' ? mask.slice(0, -1) : mask.slice(-1);
}

const usedOf = ({ inputs: [, places, mask] }: Tensor): Used => ({ places: places!, mask: mask! });

function requireKnown(shape: Shape): void {
  if (shape.some((dim) => typeof dim !== 'number')) unfit(`${formatShape(shape)} must be numbers`);
}
