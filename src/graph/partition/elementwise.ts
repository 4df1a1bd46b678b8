import type { Tensor } from '../tensor.js';
import { again, type Conversions } from './conversions.js';
import { PARTIAL, type Placed, rowsAt, SAME } from './placement.js';

/** How one node of the graph is computed by several ranks, from where its inputs lie. Throws `Unplaceable` where it cannot. */
export type Rule = (node: Tensor, inputs: Placed[], to: Conversions) => Placed;

const isInteger = ({ dtype }: Tensor) => dtype === 'int32' || dtype === 'int64';

/** What is made of local row numbers, element by element, is one if it is a whole number. */
export function placed(tensor: Tensor, at: Placed['at'], inputs: readonly Placed[]): Placed {
  return { tensor, at, local: isInteger(tensor) && inputs.some(({ local }) => local) };
}

/** Element by element, broadcasting: rows stay where they are, and everything else follows them. */
export const elementwise: Rule = (node, inputs, to) => {
  const rank = node.shape.length;
  const lag = ({ tensor }: Placed) => rank - tensor.shape.length;
  const settled = inputs.map((input) => (input.at.kind === 'partial' ? to.whole(input) : input));
  const leader = settled
    .filter(({ at }) => at.kind === 'rows')
    .reduce<Placed | undefined>(
      (a, b) => (a === undefined || b.tensor.shape.length > a.tensor.shape.length ? b : a),
      undefined,
    );
  if (leader === undefined || leader.at.kind !== 'rows') {
    return placed(
      again(
        node,
        settled.map(({ tensor }) => tensor),
      ),
      SAME,
      settled,
    );
  }
  const axis = leader.at.axis + lag(leader);
  const { name } = leader.at;
  const aligned = settled.map((input) => {
    const own = axis - lag(input);
    const { at } = input;
    if (at.kind === 'rows' && at.axis === own && at.name === name) return input;
    const whole = to.whole(input);
    return own < 0 || whole.tensor.shape[own] === 1 ? whole : to.rows(input, own, name);
  });
  return placed(
    again(
      node,
      aligned.map(({ tensor }) => tensor),
    ),
    rowsAt(axis, name),
    aligned,
  );
};

/** As `elementwise`, and a change of sign leaves addends addends. */
export const negation: Rule = (node, inputs, to) =>
  inputs[0]!.at.kind === 'partial' ? partial(node, inputs) : elementwise(node, inputs, to);

/** Sums of addends are addends. */
export const sum: Rule = (node, inputs, to) => {
  const isSum = inputs.some(({ at }) => at.kind === 'partial') && inputs.every(({ at }) => at.kind !== 'rows');
  return isSum
    ? partial(
        node,
        inputs.map((input) => to.partial(input)),
      )
    : elementwise(node, inputs, to);
};

/** One factor may be addends where the other is known to all. */
export const product: Rule = (node, inputs, to) => {
  const [a, b] = inputs as [Placed, Placed];
  const isLinear = [a, b].some(({ at }) => at.kind === 'partial') && [a, b].some(({ at }) => at.kind === 'same');
  return isLinear ? partial(node, inputs) : elementwise(node, inputs, to);
};

/** The dividend may be addends; the divisor must be known. */
export const quotient: Rule = (node, inputs, to) => {
  const [a, b] = inputs as [Placed, Placed];
  if (a.at.kind !== 'partial' || b.at.kind === 'rows') return elementwise(node, inputs, to);
  return partial(node, [a, to.whole(b)]);
};

export function partial(node: Tensor, inputs: readonly Placed[], attributes = node.attributes): Placed {
  const tensor = again(
    node,
    inputs.map(({ tensor }) => tensor),
    attributes,
  );
  return { tensor, at: PARTIAL, local: false };
}
