import type { Tensor } from '../tensor.js';
import { again, type Conversions, Unplaceable } from './conversions.js';
import type { Rule } from './elementwise.js';
import { type Placed, type Placement, rowsAt, SAME, sharedIn } from './placement.js';

// Rules of lists whose used positions are taken out: each rank takes those of its own lists, which are rows of the first axis.

export const usedPlaces: Rule = (node, [given], to) => {
  const mask = given!.at.kind === 'partial' ? to.whole(given!) : given!;
  if (mask.at.kind !== 'rows') return made(node, [mask], SAME);
  if (mask.at.axis !== 0) throw new Unplaceable('lists that each rank has a part of');
  return made(node, [mask], rowsAt(0, node.attributes.count));
};

export const taken: Rule = (node, inputs, to) => withLists(node, inputs, to, true, rowsAt(0, countOf(node)));

export const returned: Rule = (node, inputs, to) => {
  const [values, places, mask] = inputs as [Placed, Placed, Placed];
  if (places.at.kind !== 'rows') return made(node, [to.whole(values), places, to.whole(mask)], SAME);
  const name = listsOf(node);
  const own = to.rows(values, 0, countOf(node));
  return made(node, [own, places, to.rows(mask, 0, name)], rowsAt(0, name));
};

export const repeatedUsed: Rule = (node, inputs, to) =>
  withLists(node, inputs, to, node.attributes.by === 'list', rowsAt(0, countOf(node)));

/** @param ofLists whether the first input has a row for each list */
function withLists(node: Tensor, inputs: readonly Placed[], to: Conversions, ofLists: boolean, at: Placement): Placed {
  const [x, places, mask] = inputs as [Placed, Placed, Placed];
  if (places.at.kind !== 'rows') return made(node, [to.whole(x), places, to.whole(mask)], SAME);
  const name = listsOf(node);
  return made(node, [ofLists ? to.rows(x, 0, name) : to.whole(x), places, to.rows(mask, 0, name)], at);
}

const countOf = (node: Tensor): string => node.inputs[1]!.attributes.count;

/** The name of the size that counts the lists. */
function listsOf(node: Tensor): string {
  const name = sharedIn(node.inputs[2]!.shape[0]!);
  if (name === undefined) throw new Unplaceable('lists that are not shared out');
  return name;
}

const made = (node: Tensor, inputs: readonly Placed[], at: Placement): Placed => ({
  tensor: again(
    node,
    inputs.map(({ tensor }) => tensor),
  ),
  at,
  local: false,
});
