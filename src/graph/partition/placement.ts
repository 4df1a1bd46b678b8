import { inputOp } from '../ops/leaves.js';
import { type Dim, parse, product, type Shape } from '../shape.js';
import { apply, type Op, type Tensor } from '../tensor.js';

/**
 * Where the value of a tensor lies when several ranks compute one graph.
 *
 * `same`: every rank holds all of it. `partial`: each rank holds an addend, as large as the whole, and their sum is the value.
 * `rows`: each rank holds its own rows of one axis, the one whose size has `name` in it.
 */
export type Placement = { kind: 'same' } | { kind: 'partial' } | { kind: 'rows'; axis: number; name: string };

export interface Placed {
  tensor: Tensor;
  at: Placement;
  /**
   * Whether the values are row numbers in this rank's own share instead of the whole batch. Where all ranks have them (`same`), they
   * name the same rows, each by its own numbers.
   */
  local: boolean;
}

export const SAME: Placement = { kind: 'same' };
export const PARTIAL: Placement = { kind: 'partial' };
export const rowsAt = (axis: number, name: string): Placement => ({ kind: 'rows', axis, name });

/** Rows that only one rank knows: those of tables that its share of the batch looks up, or that it owns, and used places of its lists. */
export const isPrivate = (name: string): boolean => ['U:', 'N:', 'E:'].some((prefix) => name.startsWith(prefix));

/** Whether a named size counts rows that are shared out: requests, items, pairs, rows of tables. */
export const isShared = (name: string): boolean => ['B', 'I', 'P'].includes(name) || isPrivate(name);

/** The name that the size of an axis has on every rank together. */
export const wholeName = (name: string): string => `all ${name}`;

/** A dimension after sharing out: names of shared rows stand for all of them, except the one that is `kept`. */
export function sharedDim(dim: Dim, kept?: string): Dim {
  const { factor, names } = parse(dim);
  return product([factor, ...names.map((name) => (isShared(name) && name !== kept ? wholeName(name) : name))]);
}

export function sharedShape(shape: Shape, at: Placement): Dim[] {
  return shape.map((dim, axis) => sharedDim(dim, at.kind === 'rows' && at.axis === axis ? at.name : undefined));
}

/** The shared name in a dimension, if there is one. */
export const sharedIn = (dim: Dim): string | undefined => parse(dim).names.find(isShared);

/** How ranks exchange a value: add it up, put their rows together, or hand rows of a table to whoever owns them. */
export type ExchangeKind = 'sum' | 'gather' | 'owners';

/** A value that ranks exchange. It has no lowering: the graph is cut there. */
export const exchangeOp: Op = {
  name: 'exchange',
  infer: ([x], { shape }) => ({ shape, dtype: x!.dtype }),
  lower: () => {
    throw new RangeError('an exchange between ranks is not part of any one graph');
  },
  flops: () => 0,
};

export const exchange = (kind: ExchangeKind, x: Tensor, shape: Shape, name = ''): Tensor =>
  apply(exchangeOp, [x], { kind, shape, name });

/** The value on every rank, whatever it was before; nothing happens where there is one process. */
export const wholeOp: Op = {
  name: 'whole',
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  lower: (_emit, _node, [x]) => x!,
  flops: () => 0,
};

export const whole = (x: Tensor): Tensor => apply(wholeOp, [x]);

/** Gradients of the touched rows of a bundle of tables, handed to the ranks that own them: [U:BUNDLE, d] → [U:OWNED, d]. */
export const toOwnersOp: Op = {
  name: 'toOwners',
  infer: ([x], { owned }) => ({ shape: [`U:${owned}`, ...x!.shape.slice(1)], dtype: x!.dtype }),
  lower: exchangeOp.lower,
  flops: () => 0,
};

export const toOwners = (x: Tensor, bundle: string, owned: string): Tensor => apply(toOwnersOp, [x], { bundle, owned });

/** Feeds that only a partitioned graph has. */
export const RANK_FEEDS = {
  /** 1 on the first rank, 0 on the others. */
  first: 'ranks.first',
  /** Rows of `name` in the whole batch, a float. */
  size: (name: string): string => `ranks.size.${name}`,
  /** Which rows of the whole batch this rank has: int32 [name]. */
  own: (name: string): string => `ranks.own.${name}`,
  /** The values of a feed with local row numbers as row numbers of the whole batch. */
  whole: (feed: string): string => `${feed}#whole`,
  /** The rows of a bundle that the share looks up, as their owners have sent them. */
  fetched: (bundle: string): string => `${bundle}#fetched`,
} as const;

export function rankInput(name: string, shape: Shape, dtype: Tensor['dtype'] = 'float32'): Tensor {
  return apply(inputOp, [], { name, shape, dtype });
}
