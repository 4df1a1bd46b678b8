import { TwoTowerError } from '../errors.js';
import { Emitter } from './emitter.js';
import type { IndexPlan } from './index-plan.js';
import { mergeEqual } from './merge.js';
import { encodeModel, type OnnxModel, type OnnxTensor, type OnnxValue } from './onnx.js';
import type { Distribution } from './ops/leaves.js';
import type { Dim } from './shape.js';
import type { Tensor } from './tensor.js';

export interface CompileOptions {
  /** Values to write into the file instead of leaving the parameter an input. */
  embed?: (parameter: string) => Float32Array | undefined;
  /** How to read a parameter from other inputs; undefined leaves it an input of its own. */
  read?: (parameter: Tensor, emit: Emitter) => string | undefined;
  metadata?: Record<string, string>;
  /** Outputs keep the values' own memory where they can: for graphs whose outputs are large and go straight into another. */
  direct?: boolean;
}

export interface CompiledGraph {
  onnx: Uint8Array;
  /** What the caller feeds. */
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  plans: IndexPlan[];
  randoms: { name: string; shape: readonly Dim[]; distribution: Distribution }[];
}

/** Lowers the named outputs, and all they are made of, to one ONNX graph. Equal subexpressions become one. */
export function compile(name: string, outputs: Record<string, Tensor>, options: CompileOptions = {}): CompiledGraph {
  const emit = new Emitter();
  const { nodes, find } = mergeEqual(Object.values(outputs));
  const values = new Map<Tensor, string>();
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => values.get(find(input))!);
    emit.enter(node.scope);
    values.set(node, lowerNode(node, inputs, emit, options));
  }
  emit.enter('');
  const results: OnnxValue[] = Object.entries(outputs).map(([output, tensor]) => {
    if (emit.inputs.some((input) => input.name === output)) {
      throw new TwoTowerError('GRAPH_PARAMETER', `${name}: ${output} names both an input and an output`);
    }
    // Identity gives the value its public name, also where one value goes out twice or straight through. It costs a copy.
    if (options.direct && emit.rename(values.get(find(tensor))!, output)) {
      values.set(find(tensor), output);
      return { name: output, dtype: tensor.dtype, shape: tensor.shape };
    }
    emit.nodes.push({
      name: `output ${output}`,
      op: 'Identity',
      inputs: [values.get(find(tensor))!],
      outputs: [output],
    });
    return { name: output, dtype: tensor.dtype, shape: tensor.shape };
  });

  const model: OnnxModel = {
    name,
    nodes: emit.nodes,
    inputs: emit.inputs,
    outputs: results,
    initializers: emit.initializers,
  };
  if (options.metadata !== undefined) model.metadata = options.metadata;
  const randoms = nodes
    .filter((node) => node.op.name === 'random')
    .map((node) => ({ name: node.attributes.name, shape: node.shape, distribution: node.attributes.distribution }));
  const filled = new Set([
    ...randoms.map((random) => random.name),
    ...emit.plans.flatMap(({ feeds }) => Object.values(feeds)),
  ]);
  return {
    onnx: encodeModel(model),
    inputs: emit.inputs.filter((input) => !filled.has(input.name)),
    outputs: results,
    plans: emit.plans,
    randoms,
  };
}

function lowerNode(node: Tensor, inputs: string[], emit: Emitter, { embed, read }: CompileOptions): string {
  if (node.op.name !== 'parameter') return node.op.lower(emit, node, inputs);
  const { name } = node.attributes;
  const other = read?.(node, emit);
  if (other !== undefined) return other;
  const data = embed?.(name);
  if (data === undefined) return node.op.lower(emit, node, inputs);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const tensor: OnnxTensor = { dtype: 'float32', dims: node.shape as number[], bytes };
  emit.initializers.set(name, tensor);
  return name;
}
