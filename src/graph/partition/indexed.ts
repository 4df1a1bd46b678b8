import type { Tensor } from '../tensor.js';
import { again, Unplaceable } from './conversions.js';
import { partial, type Rule } from './elementwise.js';
import { isPrivate, type Placed, rowsAt, SAME, sharedIn } from './placement.js';

// Rules of what picks and adds rows by number. Numbers are those of the whole batch unless they are marked as local.

const made = (node: Tensor, inputs: readonly Placed[], at: Placed['at']): Placed => ({
  tensor: again(
    node,
    inputs.map(({ tensor }) => tensor),
  ),
  at,
  local: false,
});

const isRowsAt = ({ at }: Placed, axis: number) => at.kind === 'rows' && at.axis === axis;

export const picked: Rule = (node, [given, by], to) => {
  const index = by!.at.kind === 'partial' ? to.whole(by!) : by!;
  const dim = node.inputs[0]!.shape[0]!;
  const name = sharedIn(dim);
  const own = name !== undefined && (index.local || isPrivate(name));
  if (own) {
    // The same rows on every rank, each by its own numbers.
    if (index.at.kind === 'same' && index.local) return made(node, [to.rows(given!, 0, name), index], SAME);
    if (index.at.kind !== 'rows') throw new Unplaceable('one index into the rows of one rank');
    return { ...made(node, [to.rows(given!, 0, name), index], index.at), local: given!.local };
  }
  const source =
    given!.at.kind === 'rows' && given!.at.axis > 0 && index.at.kind === 'same' ? given! : to.whole(given!);
  if (source.at.kind !== 'rows') return made(node, [source, index], index.at);
  return made(node, [source, index], rowsAt(source.at.axis + index.tensor.shape.length - 1, source.at.name));
};

/** Rows that are added where their number says: at home where numbers are local, else into addends of the whole. */
export const summedByIndex: Rule = (node, inputs, to) => {
  const [rows, index, like, ...more] = inputs as [Placed, Placed, Placed, ...Placed[]];
  const name = sharedIn(node.inputs[2]!.shape[0]!);
  const block = (piece: Placed, i: number) => {
    const shared = sharedIn(node.inputs[i]!.shape[0]!);
    // Rows that every rank has: their owner adds up what the ranks say of them.
    return shared === undefined ? to.partial(piece) : to.rows(piece, 0, shared);
  };
  if (index.local) {
    if (name === undefined) throw new Unplaceable('numbers of rows of one rank in a table of all');
    const blocks = more.map((piece, i) => block(piece, i + 3));
    return made(node, [block(rows, 0), index, to.rows(like, 0, name), ...blocks], rowsAt(0, name));
  }
  const target = name === undefined ? like : to.whole(like);
  if (more.length > 0) throw new Unplaceable('several blocks of rows with numbers of the whole batch');
  if (rows.at.kind === 'partial' || (rows.at.kind === 'rows' && rows.at.axis !== 0))
    throw new Unplaceable('rows by number');
  if (rows.at.kind === 'same' && index.at.kind === 'same') return made(node, [rows, index, target], SAME);
  const shared = ((rows.at.kind === 'rows' ? rows.at : index.at) as { name: string }).name;
  return partial(node, [to.rows(rows, 0, shared), to.rows(index, 0, shared), target]);
};

/** Along the last axis; where that is the axis of the rows, the numbers must be local ones. */
export const pickedAlong: Rule = (node, [given, by], to) => {
  const last = node.shape.length - 1;
  const x = given!.at.kind === 'partial' ? to.whole(given!) : given!;
  const index = by!.at.kind === 'partial' ? to.whole(by!) : by!;
  const leader = index.at.kind === 'rows' ? index : x;
  if (leader.at.kind !== 'rows') return made(node, [x, index], SAME);
  const { axis, name } = leader.at;
  if (axis < last) return made(node, [to.rows(x, axis, name), to.rows(index, axis, name)], rowsAt(axis, name));
  if (isRowsAt(index, last) && index.local) {
    if (!isRowsAt(x, last)) throw new Unplaceable('numbers of rows of one rank in rows of all');
    return made(node, [x, index], index.at);
  }
  return made(node, [to.whole(x), index], index.at);
};

export const addedAlong: Rule = (node, inputs, to) => {
  const [values, index, like] = inputs as [Placed, Placed, Placed];
  const last = node.shape.length - 1;
  const leader = [index, values].find(({ at }) => at.kind === 'rows');
  if (leader?.at.kind !== 'rows') return made(node, [to.whole(values), to.whole(index), to.whole(like)], SAME);
  const { axis, name } = leader.at;
  const own = (x: Placed) => to.rows(x, axis, name);
  if (axis < last) return made(node, [own(values), own(index), own(like)], rowsAt(axis, name));
  if (!index.local) return partial(node, [own(values), own(index), to.whole(like)]);
  if (!isRowsAt(like, last)) throw new Unplaceable('numbers of rows of one rank in rows of all');
  return made(node, [own(values), index, like], like.at);
};
