import { TwoTowerError } from '../errors.js';
import { add } from './ops/arithmetic.js';
import { scalar } from './ops/leaves.js';
import { inScope } from './scope.js';
import { formatShape, sameShape } from './shape.js';
import type { Tensor } from './tensor.js';

/**
 * Reverse-mode differentiation: the gradients of a scalar with respect to each tensor of `wrt`, as tensors of the same
 * graph. Undefined where the scalar does not depend on it.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): (Tensor | undefined)[] {
  if (loss.shape.length !== 0) {
    throw new TwoTowerError(
      'GRAPH_SHAPE',
      `${loss.scope}: only a scalar has gradients, not ${formatShape(loss.shape)}`,
    );
  }
  const order = reachable([loss]);
  const keys = wrt.map(leafKey);
  const wanted = new Set(keys);
  const needed = dependents(order, wanted);
  const upstream = new Map<Tensor, Tensor>([[loss, scalar(1, loss.dtype)]]);
  const result = new Map<unknown, Tensor>();
  for (const node of order.reverse()) {
    const flowing = upstream.get(node);
    if (flowing === undefined || !needed.has(node)) continue;
    const key = leafKey(node);
    if (wanted.has(key)) {
      const sum = result.get(key);
      result.set(key, sum === undefined ? flowing : add(sum, flowing));
    }
    if (node.op.gradient === undefined || node.inputs.length === 0) continue;
    const parts = inScope('gradient', () => inScope(node.scope, () => node.op.gradient!(node, flowing)));
    for (const [i, part] of parts.entries()) {
      const input = node.inputs[i]!;
      if (part === undefined || !needed.has(input)) continue;
      if (!sameShape(part.shape, input.shape)) {
        throw new TwoTowerError(
          'GRAPH_SHAPE',
          `${node.scope}: gradient of ${node.op.name} is ${formatShape(part.shape)} for an input of ${formatShape(input.shape)}`,
        );
      }
      const sum = upstream.get(input);
      upstream.set(input, sum === undefined ? part : add(sum, part));
    }
  }
  return keys.map((key) => result.get(key));
}

/** Leaves that carry one value under several tensor objects count as one. */
function leafKey(tensor: Tensor): unknown {
  const { name, source } = tensor.attributes;
  if (tensor.op.name === 'tableRows') return `tableRows ${source}`;
  return tensor.inputs.length === 0 && name !== undefined ? `${tensor.op.name} ${name}` : tensor;
}

/** Everything the outputs are made of, inputs before what uses them. */
export function reachable(outputs: readonly Tensor[]): Tensor[] {
  const seen = new Set<Tensor>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

function dependents(order: readonly Tensor[], keys: ReadonlySet<unknown>): Set<Tensor> {
  const result = new Set<Tensor>();
  for (const node of order) {
    if (keys.has(leafKey(node)) || node.inputs.some((input) => result.has(input))) result.add(node);
  }
  return result;
}
