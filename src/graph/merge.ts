import { reachable } from './gradient.js';
import type { Tensor } from './tensor.js';

/** The distinct values that some outputs are made of. */
export interface Merged {
  /** One tensor for each distinct value, inputs before what uses them. */
  nodes: Tensor[];
  /** The one among `nodes` that stands for a tensor. */
  find(tensor: Tensor): Tensor;
}

/** Makes equal subexpressions one, and leaves out what only passes its first input on. */
export function mergeEqual(outputs: readonly Tensor[]): Merged {
  const firstOf = new Map<string, Tensor>();
  const representative = new Map<Tensor, Tensor>();
  const find = (tensor: Tensor) => representative.get(tensor)!;
  for (const node of reachable(outputs)) {
    if (node.op.passThrough) {
      representative.set(node, find(node.inputs[0]!));
      continue;
    }
    const key = mergeKey(node, find);
    const first = firstOf.get(key) ?? node;
    firstOf.set(key, first);
    representative.set(node, first);
  }
  const used = new Set<Tensor>();
  const stack = outputs.map(find);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (used.has(node)) continue;
    used.add(node);
    stack.push(...node.inputs.map(find));
  }
  return { nodes: [...used].sort((a, b) => a.id - b.id), find };
}

function mergeKey({ op, dtype, inputs, attributes }: Tensor, find: (tensor: Tensor) => Tensor): string {
  return `${op.name}(${inputs.map((input) => find(input).id).join(',')})${dtype}${JSON.stringify(attributes, exactly)}`;
}

/** JSON writes NaN and both infinities as null, and minus zero as zero. */
function exactly(_key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value;
  if (Object.is(value, -0)) return 'minus zero';
  return Number.isFinite(value) ? value : `number ${value}`;
}
