import { TwoTowerError } from '../../errors.js';
import type { FeedPlan } from '../complete-feeds.js';
import { mergeEqual } from '../merge.js';
import type { Tensor } from '../tensor.js';
import { Unfit } from '../tensor.js';
import { again, Conversions, Unplaceable } from './conversions.js';
import {
  exchange,
  isPrivate,
  type Placed,
  RANK_FEEDS,
  rankInput,
  rowsAt,
  SAME,
  sharedDim,
  sharedIn,
  sharedShape,
} from './placement.js';
import { RULES } from './rules.js';

export interface PartitionOptions {
  /** Feeds whose values are row numbers of this rank's share; those of all other feeds are row numbers of the whole batch. */
  local: ReadonlySet<string>;
  /** Bundles of tables whose rows are a rank's own; the rows of other bundles are fetched from their owners. */
  owned: ReadonlySet<string>;
}

export interface Partitioned {
  /** The same values as the graph for one process, on every rank. */
  outputs: Record<string, Tensor>;
  /** Places in the model that look at all rows at once, which every rank computes whole. */
  repeated: string[];
  /** The random numbers of the graph for one process, in the order in which it draws them. */
  randoms: FeedPlan['randoms'];
}

/**
 * Rewrites a graph for one process into the graph of one rank of several, which have the rows of the batch between them: leaves
 * shrink to a rank's share, and where a value depends on the rows of others, an exchange is put in. The mathematics stays that of
 * one process over the whole batch. What cannot be shared out is computed on every rank from gathered inputs.
 *
 * @throws TRAIN_RANKS where neither is possible
 */
export function partition(outputs: Record<string, Tensor>, options: PartitionOptions): Partitioned {
  const { nodes, find } = mergeEqual(Object.values(outputs));
  const to = new Conversions();
  const placed = new Map<Tensor, Placed>();
  const repeated = new Set<string>();
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => placed.get(find(input))!);
    placed.set(node, placeNode(node, inputs, to, options, repeated));
  }
  const isOwned = ({ shape }: Tensor) => shape.some((dim) => isPrivate(sharedIn(dim) ?? ''));
  return {
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, output]) => {
        const result = placed.get(find(output))!;
        return [name, isOwned(output) ? result.tensor : to.whole(result).tensor];
      }),
    ),
    repeated: [...repeated],
    randoms: nodes
      .filter(({ op }) => op.name === 'random')
      .map(({ shape, attributes: { name, distribution } }) => ({ name, shape, distribution })),
  };
}

function placeNode(
  node: Tensor,
  inputs: Placed[],
  to: Conversions,
  options: PartitionOptions,
  repeated: Set<string>,
): Placed {
  if (node.inputs.length === 0) return leaf(node, options);
  if (node.op.name === 'toOwners') {
    const tensor = exchange('owners', inputs[0]!.tensor, node.shape, node.attributes.bundle);
    return { tensor, at: rowsAt(0, sharedIn(node.shape[0]!)!), local: false };
  }
  if (node.op.name === 'whole') return to.whole(inputs[0]!);
  const rule = RULES.get(node.op.name);
  if (rule !== undefined) {
    try {
      return rule(node, inputs, to);
    } catch (error) {
      if (!isHopeless(error)) throw error;
    }
  }
  try {
    const whole = inputs.map((input) => to.whole(input).tensor);
    const { shape } = node.attributes;
    const attributes = shape === undefined ? node.attributes : { ...node.attributes, shape: sharedShape(shape, SAME) };
    const tensor = again(node, whole, attributes);
    if (inputs.some(({ at }) => at.kind === 'rows')) repeated.add(`${node.op.name} at ${node.scope}`);
    return { tensor, at: SAME, local: false };
  } catch (error) {
    if (!isHopeless(error)) throw error;
    throw new TwoTowerError(
      'TRAIN_RANKS',
      `${node.scope}: ${node.op.name} cannot be computed by several ranks: ${(error as Error).message}`,
      'Train this configuration with one process.',
    );
  }
}

function isHopeless(error: unknown): boolean {
  return error instanceof Unplaceable || error instanceof Unfit || (error as { code?: string }).code === 'GRAPH_SHAPE';
}

function leaf(node: Tensor, { local, owned }: PartitionOptions): Placed {
  const { name } = node.attributes;
  if (node.op.name === 'tableRows') {
    const { table } = node.attributes;
    const tensor = owned.has(table) ? node : rankInput(RANK_FEEDS.fetched(table), node.shape);
    return { tensor, at: rowsAt(0, `U:${table}`), local: false };
  }
  const axis = node.shape.findIndex((dim) => sharedIn(dim) !== undefined);
  if (axis < 0 || (node.op.name !== 'input' && node.op.name !== 'random'))
    return { tensor: node, at: SAME, local: local.has(name) };
  const at = rowsAt(axis, sharedIn(node.shape[axis]!)!);
  const shape = sharedShape(node.shape, at);
  if (shape.some((dim, i) => i !== axis && sharedDim(dim) === dim && sharedIn(dim) !== undefined)) {
    throw new RangeError(`${name} has rows on two axes`);
  }
  return { tensor: again(node, [], { ...node.attributes, shape }), at, local: local.has(name) };
}
