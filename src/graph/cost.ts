import { mergeEqual } from './merge.js';
import { stepsOf } from './ops/scan.js';
import { withFullLists } from './ops/used.js';
import { evaluate, type Shape } from './shape.js';
import type { DType, Tensor } from './tensor.js';

/** What one run of a graph, or the part of it made in one scope, costs. */
export interface Cost {
  /** Floating-point operations; a multiplication with an addition counts as two. */
  flops: number;
  /** Multiply-adds of matrix products alone, as papers count them. */
  multiplyAdds: number;
  /** Weights of dense parameters and whole tables. */
  parameters: number;
  /** Bytes of weights that are read: dense parameters whole, of tables a row for each lookup. */
  parameterBytes: number;
}

export interface GraphCost extends Cost {
  /** Bytes fed, parameters not counted. */
  inputBytes: number;
  outputBytes: number;
  /** The same by the place in the model where things are made: `user/mlp/dense1`. A scope does not include those below it. */
  scopes: Record<string, Cost>;
}

const BYTES: Record<DType, number> = { float32: 4, float64: 8, int32: 4, int64: 8, bool: 1 };

/**
 * Reads the cost of computing `outputs` off the graph. What is computed twice from equal inputs is counted once, as it is
 * run once. Padded lists count as full.
 * @param sizes of every named dimension
 */
export function graphCost(outputs: readonly Tensor[], sizes: Readonly<Record<string, number>>): GraphCost {
  const { nodes, find } = mergeEqual(outputs);
  const bound = withFullLists(nodes, new Map(Object.entries(sizes)));
  const size = (shape: Shape) => shape.reduce((total: number, dim) => total * evaluate(dim, bound), 1);
  const bytes = ({ shape, dtype }: Tensor) => size(shape) * BYTES[dtype];
  const looked = lookedUpBytes(nodes, find, bytes);

  const total: GraphCost = { ...nothing(), inputBytes: 0, outputBytes: 0, scopes: {} };
  const count = (node: Tensor, times: number) => {
    const scope = total.scopes[node.scope] ?? nothing();
    total.scopes[node.scope] = scope;
    const flops = times * (node.op.flops?.(node, size) ?? size(node.shape));
    for (const cost of [total, scope]) {
      cost.flops += flops;
      if (node.op.name === 'matMul') cost.multiplyAdds += flops / 2;
      if (node.op.name === 'parameter') {
        cost.parameters += size(node.shape);
        cost.parameterBytes += looked.get(node) ?? bytes(node);
      }
    }
    if (node.op.name === 'input') total.inputBytes += bytes(node);
    const steps = stepsOf(node);
    for (const inner of steps.nodes) count(inner, times * steps.times);
  };
  for (const node of nodes) count(node, 1);
  for (const output of outputs) total.outputBytes += bytes(output);
  return total;
}

function nothing(): Cost {
  return { flops: 0, multiplyAdds: 0, parameters: 0, parameterBytes: 0 };
}

/** Bytes of the rows taken from each tensor that is used by gathers alone. */
function lookedUpBytes(
  nodes: readonly Tensor[],
  find: (tensor: Tensor) => Tensor,
  bytes: (tensor: Tensor) => number,
): Map<Tensor, number> {
  const looked = new Map<Tensor, number>();
  const whole = new Set<Tensor>();
  for (const node of nodes) {
    for (const [i, input] of node.inputs.map(find).entries()) {
      if (node.op.name === 'gather' && i === 0) looked.set(input, (looked.get(input) ?? 0) + bytes(node));
      else whole.add(input);
    }
  }
  for (const tensor of whole) looked.delete(tensor);
  return looked;
}
