import { parse, product } from '../shape.js';
import { again, Unplaceable } from './conversions.js';
import { partial, placed, type Rule } from './elementwise.js';
import { type Placed, type Placement, rowsAt, SAME, sharedIn, sharedShape } from './placement.js';

// Rules of what moves, repeats or joins axes.

/** Rows survive a reshape where all that stands before them stays before them. */
export const reshaped: Rule = (node, [x, like], to) => {
  const at = ((): Placement => {
    if (x!.at.kind !== 'rows') return x!.at;
    const from = node.inputs[0]!.shape;
    const { axis, name } = x!.at;
    const before = product(from.slice(0, axis));
    const target = node.shape.findIndex(
      (dim, i) => parse(dim).names.includes(name) && product(node.shape.slice(0, i)) === before,
    );
    if (target < 0) throw new Unplaceable('the rows of each rank are no block of the result');
    return rowsAt(target, name);
  })();
  const sources = like === undefined ? [x!] : [x!, at.kind === 'rows' ? like : to.whole(like)];
  const tensor = again(
    node,
    sources.map(({ tensor }) => tensor),
    { shape: sharedShape(node.shape, at) },
  );
  return placed(tensor, at, [x!]);
};

/** What is repeated for every row lies where the rows are. */
export const repeated: Rule = (node, [given, like], to) => {
  const plain = node.shape.every((dim) => sharedIn(dim) === undefined);
  if (given!.at.kind === 'partial' && plain) return partial(node, [given!]);
  const x = given!.at.kind === 'partial' ? to.whole(given!) : given!;
  const lag = node.shape.length - x.tensor.shape.length;
  const at = ((): Placement => {
    if (x.at.kind === 'rows') return rowsAt(x.at.axis + lag, x.at.name);
    if (like?.at.kind !== 'rows') return SAME;
    const { name } = like.at;
    const axis = node.shape.findIndex((dim) => sharedIn(dim) === name);
    return axis < 0 ? SAME : rowsAt(axis, name);
  })();
  const own = at.kind === 'rows' ? at.axis - lag : -1;
  const follows = at.kind === 'rows' && x.at.kind === 'same' && own >= 0 && x.tensor.shape[own] !== 1;
  const source = follows ? to.rows(x, own, at.name) : x;
  const sizes = like === undefined ? [] : [at.kind === 'same' ? to.whole(like) : like];
  const tensor = again(
    node,
    [source, ...sizes].map((input) => input.tensor),
    { shape: sharedShape(node.shape, at) },
  );
  return placed(tensor, at, [source]);
};

export const transposed: Rule = (node, [x]) => {
  const permutation: number[] = node.attributes.permutation;
  const at = x!.at.kind === 'rows' ? rowsAt(permutation.indexOf(x!.at.axis), x!.at.name) : x!.at;
  return placed(again(node, [x!.tensor]), at, [x!]);
};

/** Pieces along another axis than that of the rows. */
export const joined: Rule = (node, inputs, to) => {
  const leader = inputs.find(({ at }) => at.kind === 'rows');
  if (leader?.at.kind === 'rows') {
    const { axis, name } = leader.at;
    const rows = inputs.map((input) => to.rows(input, axis, name));
    return placed(
      again(
        node,
        rows.map(({ tensor }) => tensor),
      ),
      leader.at,
      rows,
    );
  }
  if (inputs.every(({ at }) => at.kind === 'same')) {
    return placed(
      again(
        node,
        inputs.map(({ tensor }) => tensor),
      ),
      SAME,
      inputs,
    );
  }
  return partial(
    node,
    inputs.map((input) => to.partial(input)),
  );
};

/** Slices and zeros along an axis of a known size, which is never that of the rows. */
export const cut: Rule = (node, [x]) => placed(again(node, [x!.tensor]), x!.at, [x!]);

/** What compares the last `depth` axes of each row by themselves. */
export const within =
  (depth: number): Rule =>
  (node, [given, ...more], to) => {
    const x = given!.at.kind === 'partial' ? to.whole(given!) : given!;
    if (x.at.kind === 'rows' && x.at.axis >= x.tensor.shape.length - depth) {
      throw new Unplaceable('rows of different ranks are compared');
    }
    const others = more.map((input) => to.whole(input));
    return {
      tensor: again(
        node,
        [x, ...others].map(({ tensor }) => tensor),
      ),
      at: x.at,
      local: false,
    };
  };

/** Its second input is that of the standardization it reads. */
export const deviation: Rule = (node, inputs) => {
  const [y] = inputs as [Placed];
  return {
    tensor: again(
      node,
      inputs.map(({ tensor }) => tensor),
    ),
    at: y.at,
    local: false,
  };
};

/** The axis that stays of a reduced tensor. */
export function reducedAxis(axis: number, { axes, keepDims }: { axes: readonly number[]; keepDims: boolean }): number {
  return keepDims ? axis : axis - axes.filter((other) => other < axis).length;
}
