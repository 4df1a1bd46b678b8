import { type CompiledGraph, type CompileOptions, compile } from '../compile.js';
import type { DType } from '../dtype.js';
import { mergeEqual } from '../merge.js';
import { inputOp } from '../ops/leaves.js';
import { apply, type Tensor } from '../tensor.js';
import { again } from './conversions.js';
import { levelsOf } from './levels.js';
import type { ExchangeKind } from './placement.js';

/** A value that ranks exchange after a segment has run. */
export interface Exchange {
  kind: ExchangeKind;
  /** Output of the segment. */
  value: string;
  /** Feed of later segments, or the output of the whole. */
  result: string;
  dtype: DType;
  /** What its first axis counts, or the bundle of tables. */
  name: string;
}

/** A part of the graph that a rank computes without hearing from others. */
export interface Segment {
  compiled: CompiledGraph;
  exchanges: Exchange[];
}

export interface Segments {
  segments: Segment[];
  /** The value that each output of the whole graph is found under. */
  places: Record<string, string>;
}

/** Feeds have one of these types; others are computed again instead of being handed on. */
const HANDED_ON = new Set<DType>(['float32', 'int32', 'bool']);

/** One pass over memory, as handing on would be, which needs memory of its own. */
const CHEAP = new Set([
  'cast',
  'relu',
  'greater',
  'greaterOrEqual',
  'less',
  'equal',
  'and',
  'or',
  'not',
  'broadcastTo',
]);

const isCheap = ({ op, dtype }: Tensor) => CHEAP.has(op.name) || !HANDED_ON.has(dtype);

/**
 * Cuts a partitioned graph at its exchanges: segment n computes what n exchanges in a row must come before. What a segment makes
 * and a later one reads is handed on.
 */
export function cutAtExchanges(name: string, outputs: Record<string, Tensor>, options: CompileOptions = {}): Segments {
  const { nodes, find } = mergeEqual(Object.values(outputs));
  const inputsOf = (node: Tensor) => node.inputs.map(find);
  const levels = levelsOf(nodes, inputsOf, new Set(Object.values(outputs).map(find)), {
    isFree: isView,
    isCheap,
  });
  const last = Math.max(...levels.values());
  const wanted: Record<string, Tensor>[] = Array.from({ length: last + 1 }, () => ({}));
  const exchanges: Exchange[][] = Array.from({ length: last + 1 }, () => []);
  const names = new Map<Tensor, string>();
  const nameOf = (node: Tensor): string => {
    const known = names.get(node) ?? `value ${names.size}`;
    names.set(node, known);
    return known;
  };
  const builders = wanted.map((_, level) => builder(level));

  function builder(level: number): (node: Tensor) => Tensor {
    const built = new Map<Tensor, Tensor>();
    const build = (node: Tensor): Tensor => {
      const known = built.get(node);
      if (known !== undefined) return known;
      const result = make(node);
      built.set(node, result);
      return result;
    };
    const make = (node: Tensor): Tensor => {
      if (node.inputs.length === 0) return node;
      const from = levels.get(node)!;
      const isExchange = node.op.name === 'exchange';
      const isMadeHere = from === level || isView(node) || isCheap(node);
      if (!isExchange && isMadeHere) return again(node, inputsOf(node).map(build));
      if (!isExchange) want(node, from);
      return apply(inputOp, [], { name: nameOf(node), shape: node.shape, dtype: node.dtype });
    };
    return build;
  }

  /** Whether it is the same elements as a leaf, which is cheaper to have again than to hand on. */
  function isView(node: Tensor): boolean {
    return node.inputs.length === 0 || (node.op.name === 'reshape' && inputsOf(node).every(isView));
  }

  function want(node: Tensor, level: number): void {
    wanted[level]![nameOf(node)] ??= builders[level]!(node);
  }

  // From the last level down: what a level reads of earlier ones is known before those are compiled.
  const places: Record<string, string> = {};
  for (const [output, tensor] of Object.entries(outputs)) {
    const node = find(tensor);
    places[output] = nameOf(node);
    if (node.op.name !== 'exchange') want(node, levels.get(node)!);
  }
  for (let level = last; level >= 0; level--) {
    for (const node of nodes) {
      if (node.op.name !== 'exchange' || levels.get(node) !== level + 1) continue;
      const source = inputsOf(node)[0]!;
      const { kind, name } = node.attributes;
      want(source, level);
      exchanges[level]!.push({ kind, name, dtype: node.dtype, value: nameOf(source), result: nameOf(node) });
    }
  }
  const segments = wanted.map((values, level) => ({
    compiled: compile(`${name}, part ${level + 1}`, values, { ...options, direct: true }),
    exchanges: exchanges[level]!,
  }));
  return { segments: segments.filter(({ compiled }) => compiled.outputs.length > 0), places };
}
