import { divide, multiply } from '../ops/arithmetic.js';
import { reduceSum } from '../ops/broadcast.js';
import { scalar } from '../ops/leaves.js';
import { parse, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { reducedAxis } from './axes.js';
import { again, type Conversions, Unplaceable } from './conversions.js';
import { partial, type Rule } from './elementwise.js';
import { isPrivate, PARTIAL, type Placed, RANK_FEEDS, rankInput, rowsAt, SAME, sharedIn } from './placement.js';

// Rules of what adds up over axes.

/** A sum over rows is made of the sums of each rank's rows. */
export const reduced: Rule = (node, [x]) => {
  if (x!.at.kind !== 'rows') return { ...keep(node, x!), local: false };
  const { axes, keepDims } = node.attributes as { axes: number[]; keepDims: boolean };
  if (axes.includes(x!.at.axis)) return partial(node, [x!]);
  return {
    tensor: again(node, [x!.tensor]),
    at: rowsAt(reducedAxis(x!.at.axis, { axes, keepDims }), x!.at.name),
    local: false,
  };
};

export const averaged: Rule = (node, [x], to) => {
  const { axes, keepDims } = node.attributes as { axes: number[]; keepDims: boolean };
  if (x!.at.kind !== 'rows' || !axes.includes(x!.at.axis)) return reduced(node, [x!], to);
  const count = sizes(axes.map((axis) => node.inputs[0]!.shape[axis]!));
  return { tensor: divide(reduceSum(x!.tensor, axes, keepDims), count), at: PARTIAL, local: false };
};

/** The largest, which no rank knows by itself. */
export const compared: Rule = (node, [given], to) => {
  const x = given!.at.kind === 'partial' ? to.whole(given!) : given!;
  if (x.at.kind !== 'rows') return keep(node, x);
  const { axes, keepDims } = node.attributes as { axes: number[]; keepDims: boolean };
  if (axes.includes(x.at.axis)) throw new Unplaceable('rows of different ranks are compared');
  return {
    tensor: again(node, [x.tensor]),
    at: rowsAt(reducedAxis(x.at.axis, { axes, keepDims }), x.at.name),
    local: false,
  };
};

/** The size of an axis in the whole batch. */
export const counted: Rule = (node, [x]) => {
  const dim = node.inputs[0]!.shape[node.attributes.axis as number]!;
  const tensor = sharedIn(dim) === undefined ? again(node, [x!.tensor]) : sizes([dim]);
  return { tensor, at: SAME, local: false };
};

/** The product of sizes, those of shared rows in the whole batch. */
function sizes(dims: Shape): Tensor {
  let result: Tensor = scalar(1);
  for (const dim of dims) {
    const { factor, names } = parse(dim);
    if (names.some((name) => sharedIn(name) === undefined || isPrivate(name))) throw new Unplaceable(`the size ${dim}`);
    result = names.reduce(
      (total, name) => multiply(total, rankInput(RANK_FEEDS.size(name), [])),
      multiply(result, factor),
    );
  }
  return result;
}

function keep(node: Tensor, x: Placed): Placed {
  return { tensor: again(node, [x.tensor]), at: x.at, local: false };
}

/** The matrix product, by which axis of either side the rows are: leading, outer, or the one that is summed over. */
export const multiplied: Rule = (node, inputs, to) => {
  const added = inputs.map((input, i) => ownRowsOfAddends(input, node.inputs[i]!.shape, to));
  const isPartial = added.some(({ at }) => at.kind === 'partial');
  if (isPartial && added.some(({ at }) => at.kind === 'same')) return partial(node, added);
  const [a, b] = added.map((input) => (input.at.kind === 'partial' ? to.whole(input) : input)) as [Placed, Placed];
  const rank = node.shape.length;
  const left = roleOf(a, rank, node.attributes.transposeA === true);
  const right = roleOf(b, rank, node.attributes.transposeB !== true);
  const result = (x: Placed, y: Placed, at: Placed['at']): Placed => ({
    tensor: again(node, [x.tensor, y.tensor]),
    at,
    local: false,
  });
  if (left !== undefined) return byLeft(node, left, a, b, to, result);
  if (right === undefined || b.at.kind !== 'rows') return result(a, b, SAME);
  const { name } = b.at;
  if (right.role === 'outer') return result(a, b, rowsAt(rank - 1, name));
  if (right.role === 'leading') return result(leading(a, right.axis, rank, name, to), b, rowsAt(right.axis, name));
  const inner = a.tensor.shape.length - (node.attributes.transposeA === true ? 2 : 1);
  return result(to.rows(a, inner, name), b, PARTIAL);
};

/**
 * Addends of rows of the batch are added up before they are multiplied, and each rank goes on with its own rows: a product of the
 * addends is as much work on every rank as that of all rows in one process.
 */
function ownRowsOfAddends(x: Placed, shape: Shape, to: Conversions): Placed {
  if (x.at.kind !== 'partial') return x;
  const axis = shape.findIndex((dim) => {
    const { names } = parse(dim);
    return names.length === 1 && sharedIn(dim) !== undefined && !isPrivate(names[0]!);
  });
  return axis < 0 ? x : to.rows(x, axis, sharedIn(shape[axis]!)!);
}

type Result = (x: Placed, y: Placed, at: Placed['at']) => Placed;

function byLeft(node: Tensor, left: Side, a: Placed, b: Placed, to: Conversions, result: Result): Placed {
  const rank = node.shape.length;
  const name = (a.at as { name: string }).name;
  if (left.role === 'outer') return result(a, to.whole(b), rowsAt(rank - 2, name));
  if (left.role === 'leading') return result(a, leading(b, left.axis, rank, name, to), rowsAt(left.axis, name));
  const inner = b.tensor.shape.length - (node.attributes.transposeB === true ? 1 : 2);
  return result(a, to.rows(b, inner, name), PARTIAL);
}

interface Side {
  role: 'leading' | 'outer' | 'inner';
  /** Of the result, where leading. */
  axis: number;
}

/** @param innerFirst whether the summed axis is the last but one */
function roleOf({ tensor, at }: Placed, rank: number, innerFirst: boolean): Side | undefined {
  if (at.kind !== 'rows') return undefined;
  const fromEnd = tensor.shape.length - at.axis;
  if (fromEnd > 2) return { role: 'leading', axis: rank - fromEnd };
  return { role: (fromEnd === 2) === innerFirst ? 'inner' : 'outer', axis: -1 };
}

/** The other side's rows of a leading axis, where it has that axis. */
function leading(x: Placed, axis: number, rank: number, name: string, to: Conversions): Placed {
  const own = axis - (rank - x.tensor.shape.length);
  if (own < 0 || x.tensor.shape[own] === 1) return to.whole(x);
  return to.rows(x, own, name);
}
