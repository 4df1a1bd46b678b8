import { mergeEqual } from '../merge.js';
import { sameShape } from '../shape.js';
import { apply, type Op, type Tensor, unfit, width } from '../tensor.js';

/** What one step of a scan does, as a graph of its own that reads values of the graph around it. */
interface Body {
  carry: Tensor;
  rows: readonly Tensor[];
  result: Tensor;
  /** What depends on carry or rows, inputs before what uses them; all else is computed once, outside. */
  nodes: readonly Tensor[];
  find(tensor: Tensor): Tensor;
  /** No two scans are the same to whoever compares attributes. */
  toJSON(): number;
}

/** The values that change from step to step. */
const stepValueOp: Op = {
  name: 'stepValue',
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  lower: (_, { attributes }) => attributes.name,
  flops: () => 0,
};

/** A recurrence whose graph is written down once, however many steps it takes: see {@link scan}. */
export const scanOp: Op = {
  name: 'scan',
  infer([initial], { body }) {
    const { shape, dtype } = (body as Body).result;
    if (!sameShape(shape, initial!.shape) || dtype !== initial!.dtype) {
      unfit(`a step makes ${dtype}[${shape.join(', ')}] of it`);
    }
    return { shape, dtype };
  },
  lower(emit, node, inputs) {
    const { carry, rows, result, nodes, find } = node.attributes.body as Body;
    const given = [carry, ...rows];
    const names = new Map(node.inputs.slice(given.length).map((outer, i) => [outer, inputs[given.length + i]!]));
    const body = emit.subgraph('step', given.map(emitted), result, () => {
      for (const inner of nodes) {
        emit.enter(inner.scope);
        const values = inner.inputs.map((input) => names.get(find(input))!);
        names.set(inner, inner.op.lower(emit, inner, values));
      }
      return names.get(find(result))!;
    });
    emit.enter(node.scope);
    return emit.node('Scan', inputs.slice(0, given.length), { body, num_scan_inputs: rows.length });
  },
  flops: () => 0,
};

const emitted = ({ attributes, dtype, shape }: Tensor) => ({ name: attributes.name as string, dtype, shape });

let made = 0;

/**
 * carry ← step(carry, rows_1[t], rows_2[t], …) for every row t of the first axis, in order; the last carry. What a step makes of
 * other tensors alone is computed once. No gradient flows back: it is for serving.
 *
 * @param initial the first carry; a step may change neither its shape nor its type
 * @param sequences tensors [T, …] with one T
 */
export function scan(
  initial: Tensor,
  sequences: readonly Tensor[],
  step: (carry: Tensor, ...rows: Tensor[]) => Tensor,
): Tensor {
  const number = made++;
  const value = (name: string, { dtype }: Tensor, shape: Tensor['shape']) =>
    apply(stepValueOp, [], { name: `scan${number}.${name}`, dtype, shape });
  const carry = value('carry', initial, initial.shape);
  const rows = sequences.map((sequence, i) => value(`row${i}`, sequence, sequence.shape.slice(1)));
  const result = step(carry, ...rows);
  const { nodes: all, find } = mergeEqual([result]);
  const inside = new Set<Tensor>([carry, ...rows]);
  for (const node of all) if (node.inputs.some((input) => inside.has(find(input)))) inside.add(node);
  const nodes = all.filter((node) => inside.has(node));
  const read = [...nodes.flatMap(({ inputs }) => inputs), result].map(find);
  const outer = new Set(read.filter((tensor) => !inside.has(tensor)));
  const body: Body = { carry, rows, result, nodes, find, toJSON: () => number };
  return apply(scanOp, [initial, ...sequences, ...outer], { body });
}

/** What a node runs inside, and how often: nothing but for a scan. */
export function stepsOf({ op, inputs, attributes }: Tensor): { nodes: readonly Tensor[]; times: number } {
  if (op !== scanOp) return { nodes: [], times: 0 };
  return { nodes: (attributes.body as Body).nodes, times: width(inputs[1]!, 0) };
}
