import { evaluate, parse } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { FlowNetwork } from './min-cut.js';

/** Rows that a symbolic size is taken to have where bytes are compared. */
const ROWS = 1024;

/** What is computed again rather than handed on, from its inputs. */
export interface Handing {
  /** Is there anyway: a leaf, or the same elements as one. */
  isFree(node: Tensor): boolean;
  /** Is computed again from its inputs, which are handed on instead. */
  isCheap(node: Tensor): boolean;
}

/**
 * The segment in which each node is computed: n exchanges in a row must come before it. An exchange counts to the segment after it.
 * Outputs and what is exchanged are computed as early as can be; of the rest, what must be handed from the segments before a cut to
 * those behind it is as little as possible.
 */
export function levelsOf(
  nodes: readonly Tensor[],
  inputsOf: (node: Tensor) => readonly Tensor[],
  outputs: ReadonlySet<Tensor>,
  handing: Handing,
): Map<Tensor, number> {
  const { earliest, latest } = bounds(nodes, inputsOf, outputs);
  const last = Math.max(...earliest.values());
  const levels = new Map(nodes.map((node) => [node, last]));
  const before = new Set<Tensor>();
  const bytes = bytesOf(nodes, inputsOf, handing);
  for (let cut = 0; cut < last; cut++) {
    for (const node of beforeCut(nodes, inputsOf, bytes, (node) => {
      if (before.has(node) || latest.get(node)! <= cut) return 'before';
      return earliest.get(node)! > cut ? 'behind' : undefined;
    })) {
      if (!before.has(node)) levels.set(node, cut);
      before.add(node);
    }
  }
  return levels;
}

function bounds(nodes: readonly Tensor[], inputsOf: (node: Tensor) => readonly Tensor[], outputs: ReadonlySet<Tensor>) {
  const earliest = new Map<Tensor, number>();
  for (const node of nodes) {
    const ready = Math.max(0, ...inputsOf(node).map((input) => earliest.get(input)!));
    earliest.set(node, isExchange(node) ? ready + 1 : ready);
  }
  const latest = new Map<Tensor, number>();
  for (const node of nodes.toReversed()) {
    const level = isExchange(node) || outputs.has(node) ? earliest.get(node)! : latest.get(node)!;
    latest.set(node, level);
    for (const input of inputsOf(node)) {
      latest.set(input, Math.min(latest.get(input) ?? Number.POSITIVE_INFINITY, isExchange(node) ? level - 1 : level));
    }
  }
  return { earliest, latest };
}

/**
 * Which nodes are computed before a cut so that the fewest bytes are handed over it: the cheapest cut of a network in which each
 * node has a twin that stands for its value. It costs that value if it is made before the cut and read behind it, once, however many
 * read it.
 */
function beforeCut(
  nodes: readonly Tensor[],
  inputsOf: (node: Tensor) => readonly Tensor[],
  bytes: ReadonlyMap<Tensor, number>,
  side: (node: Tensor) => 'before' | 'behind' | undefined,
): Tensor[] {
  const number = new Map(nodes.map((node, i) => [node, i]));
  const network = new FlowNetwork(2 * nodes.length);
  const never = Number.POSITIVE_INFINITY;
  nodes.forEach((node, i) => {
    const where = side(node);
    if (where === 'before') network.connect(network.source, i, never);
    if (where === 'behind') network.connect(i, network.sink, never);
    const value = nodes.length + i;
    network.connect(i, value, bytes.get(node)!);
    for (const input of inputsOf(node)) {
      const from = number.get(input)!;
      network.connect(nodes.length + from, i, never);
      network.connect(i, from, never);
      // It asks the node that standardizes for a second result.
      if (node.op.name === 'inverseDeviation' && input === inputsOf(node)[0]) network.connect(from, i, never);
    }
  });
  const chosen = network.sourceSide();
  return nodes.filter((_, i) => chosen.has(i));
}

const isExchange = ({ op }: Tensor) => op.name === 'exchange';

/** What it takes to have each value in a later segment. */
function bytesOf(
  nodes: readonly Tensor[],
  inputsOf: (node: Tensor) => readonly Tensor[],
  { isFree, isCheap }: Handing,
): Map<Tensor, number> {
  const bytes = new Map<Tensor, number>();
  for (const node of nodes) {
    const own = node.shape.reduce<number>((size, dim) => size * rowsOf(dim), node.dtype === 'bool' ? 1 : 4);
    const again = isCheap(node) ? inputsOf(node).reduce((sum, input) => sum + bytes.get(input)!, 0) : own;
    bytes.set(node, isExchange(node) || isFree(node) ? 0 : Math.min(own, again));
  }
  return bytes;
}

function rowsOf(dim: Tensor['shape'][number]): number {
  return evaluate(dim, new Map(parse(dim).names.map((name) => [name, ROWS])));
}
