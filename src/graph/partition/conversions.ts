import { multiply } from '../ops/arithmetic.js';
import { gather } from '../ops/gather.js';
import { reshape, transpose } from '../ops/reshape.js';
import { parse, product } from '../shape.js';
import { apply, type Tensor } from '../tensor.js';
import {
  exchange,
  isPrivate,
  PARTIAL,
  type Placed,
  RANK_FEEDS,
  rankInput,
  rowsAt,
  SAME,
  sharedDim,
  sharedIn,
  wholeName,
} from './placement.js';

/** Thrown where a value cannot be had in the placement that is asked for. */
export class Unplaceable extends Error {}

/** Brings values from one placement to another; asking twice exchanges once. */
export class Conversions {
  private readonly wholes = new Map<Tensor, Placed>();

  /** All of the value on every rank. */
  whole(placed: Placed): Placed {
    if (placed.at.kind === 'same') return placed;
    const known = this.wholes.get(placed.tensor);
    if (known !== undefined) return known;
    const result: Placed = { tensor: this.exchanged(placed), at: SAME, local: false };
    this.wholes.set(placed.tensor, result);
    return result;
  }

  /** This rank's rows of an axis. */
  rows(placed: Placed, axis: number, name: string): Placed {
    const { at } = placed;
    if (at.kind === 'rows' && at.axis === axis && at.name === name) return placed;
    const { tensor } = this.whole(placed);
    if (placed.local) throw new Unplaceable(`row numbers of one rank's share on another axis`);
    const dim = tensor.shape[axis]!;
    const { factor, names } = parse(dim);
    if (names.length !== 1 || names[0] !== wholeName(name)) {
      throw new Unplaceable(`axis ${axis} of ${tensor.op.name} has the size ${dim}`);
    }
    const own = rankInput(RANK_FEEDS.own(name), [name], 'int32');
    const pick = (x: Tensor) => {
      if (factor === 1) return gather(x, own);
      // Neighbours that stand for one row stay together.
      const inner = x.shape.slice(1);
      return reshape(gather(reshape(x, [wholeName(name), factor, ...inner]), own), [product([factor, name]), ...inner]);
    };
    return { tensor: alongFirst(tensor, axis, pick), at: rowsAt(axis, name), local: false };
  }

  /** The value as addends: the first rank has all of it, the others nothing. */
  partial(placed: Placed): Placed {
    if (placed.at.kind === 'partial') return placed;
    const { tensor } = this.whole(placed);
    return { tensor: multiply(tensor, rankInput(RANK_FEEDS.first, [])), at: PARTIAL, local: false };
  }

  private exchanged({ tensor, at, local }: Placed): Tensor {
    if (at.kind === 'partial') {
      if (tensor.dtype !== 'float32') throw new Unplaceable(`a sum of ${tensor.dtype} over ranks`);
      return exchange('sum', tensor, tensor.shape);
    }
    if (at.kind === 'same') return tensor;
    if (isPrivate(at.name)) throw new Unplaceable(`rows that one rank knows (${at.name})`);
    let source = tensor;
    if (local) {
      if (tensor.op.name !== 'input') throw new Unplaceable("numbers made of row numbers in one rank's share");
      const { name, shape } = tensor.attributes;
      source = rankInput(RANK_FEEDS.whole(name), shape, tensor.dtype);
    }
    const all = (x: Tensor) =>
      exchange('gather', x, [sharedDim(x.shape[0]!), ...x.shape.slice(1)], sharedIn(x.shape[0]!));
    return alongFirst(source, at.axis, all);
  }
}

/** Does something to the first axis of `x` that is its axis `axis`. */
function alongFirst(x: Tensor, axis: number, change: (x: Tensor) => Tensor): Tensor {
  if (axis === 0) return change(x);
  const order = x.shape.map((_, i) => i);
  const front = [axis, ...order.toSpliced(axis, 1)];
  const back = order.map((i) => front.indexOf(i));
  return transpose(change(transpose(x, front)), back);
}

/** The node once more, with other inputs, at its place in the model. */
export function again(node: Tensor, inputs: readonly Tensor[], attributes = node.attributes): Tensor {
  const made = apply(node.op, inputs, attributes);
  return { ...made, scope: node.scope };
}
