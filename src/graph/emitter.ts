import { TwoTowerError } from '../errors.js';
import type { DType } from './dtype.js';
import type { IndexPlan } from './index-plan.js';
import {
  ONNX_TYPE,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './onnx.js';
import { type Dim, formatShape, sameShape } from './shape.js';

/** What an op's lowering writes into: ONNX nodes, constants and extra inputs of the graph being compiled. */
export class Emitter {
  nodes: OnnxNode[] = [];
  readonly inputs: OnnxValue[] = [];
  readonly plans: IndexPlan[] = [];
  readonly initializers = new Map<string, OnnxTensor>();
  private readonly constants = new Map<string, string>();
  private readonly renamed = new Set<string>();
  private counter = 0;
  private scope = '';

  /** Names of the nodes that follow start with this place in the model. */
  enter(scope: string): void {
    this.scope = scope;
  }

  /** Emits one ONNX operator and returns the name of its first output. */
  node(op: string, inputs: string[], attributes?: Record<string, OnnxAttribute>): string {
    return this.nodeWithOutputs(op, inputs, 1, attributes)[0]!;
  }

  nodeWithOutputs(
    op: string,
    inputs: string[],
    outputCount: number,
    attributes?: Record<string, OnnxAttribute>,
  ): string[] {
    const name = `${this.scope === '' ? '' : `${this.scope}/`}${op}_${this.counter++}`;
    const outputs = Array.from({ length: outputCount }, (_, i) => (i === 0 ? name : `${name}.${i}`));
    this.nodes.push({ name, op, inputs, outputs, ...(attributes === undefined ? {} : { attributes }) });
    return outputs;
  }

  /**
   * What `build` emits as a graph of its own, the body of an operator; constants and inputs stay in the graph around it.
   *
   * @param output dtype and shape of the value whose name `build` returns
   */
  subgraph(
    name: string,
    inputs: OnnxValue[],
    { dtype, shape }: Omit<OnnxValue, 'name'>,
    build: () => string,
  ): { graph: OnnxGraph } {
    const around = this.nodes;
    this.nodes = [];
    try {
      // Under a name of its own also where it is a value from around or an input.
      const output = this.node('Identity', [build()]);
      return { graph: { name, nodes: this.nodes, inputs, outputs: [{ name: output, dtype, shape }] } };
    } finally {
      this.nodes = around;
    }
  }

  /** Gives what a node makes another name everywhere; false where no node makes it, or it has its public name already. */
  rename(value: string, name: string): boolean {
    const maker = this.nodes.find(({ outputs }) => outputs.includes(value));
    const isBody = ({ attributes = {} }: OnnxNode) => Object.values(attributes).some(isGraph);
    if (maker === undefined || this.renamed.has(value) || this.nodes.some(isBody)) return false;
    this.renamed.add(name);
    for (const node of this.nodes) {
      for (const list of [node.inputs, node.outputs]) {
        list.forEach((other, i) => {
          if (other === value) list[i] = name;
        });
      }
    }
    return true;
  }

  /** Asks the node that made `value` for its output number `index` as well. */
  further(value: string, index: number): string {
    const { outputs } = this.nodes.find((node) => node.outputs[0] === value)!;
    while (outputs.length <= index) outputs.push('');
    outputs[index] ||= `${value}.${index}`;
    return outputs[index]!;
  }

  /** An input that the session fills by itself (random numbers, index plans) or the caller feeds. */
  input(value: OnnxValue): string {
    const known = this.inputs.find((existing) => existing.name === value.name);
    if (known === undefined) this.inputs.push(value);
    else if (known.dtype !== value.dtype || !sameShape(known.shape, value.shape)) {
      const [one, other] = [known, value].map(({ dtype, shape }) => `${dtype}${formatShape(shape)}`);
      throw new TwoTowerError(
        'GRAPH_SHAPE',
        `${this.scope || '(top)'}: input ${value.name} is wanted as ${other} and as ${one}`,
      );
    }
    return value.name;
  }

  /** The feeds by which the sums of rows with equal indices are found, for fed indices below `rows`. */
  plan(indices: string, rows: Dim): IndexPlan {
    const known = this.plans.find((plan) => plan.indices === indices && plan.rows === rows);
    if (known !== undefined) return known;
    const feed = (part: string, size: Dim) =>
      this.input({ name: `${indices}#${part}:${rows}`, dtype: 'int32', shape: [size] });
    const repeated = `${indices}#repetitions:${rows}`;
    const feeds = {
      first: feed('first', rows),
      rest: feed('rest', `${indices}#others:${rows}`),
      repeated: feed('repeated', repeated),
      start: feed('start', repeated),
      end: feed('end', repeated),
    };
    const plan: IndexPlan = { indices, rows, feeds };
    this.plans.push(plan);
    return plan;
  }

  /** A one-dimensional int64 constant, as ONNX wants for shapes and axes. */
  ints(values: readonly number[]): string {
    return this.constant('int64', [values.length], values);
  }

  scalar(dtype: DType, value: number): string {
    return this.constant(dtype, [], [value]);
  }

  /** A small constant; equal ones are stored once. */
  constant(dtype: DType, dims: readonly number[], values: readonly number[]): string {
    const key = `${dtype}:${dims.join(',')}:${values.map((value) => (Object.is(value, -0) ? '-0' : value)).join(',')}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = `constant_${this.constants.size}`;
    this.constants.set(key, name);
    this.initializers.set(name, { dtype, dims, bytes: bytesOf(dtype, values) });
    return name;
  }

  cast(value: string, to: DType): string {
    return this.node('Cast', [value], { to: ONNX_TYPE[to] });
  }
}

const isGraph = (attribute: OnnxAttribute): boolean => typeof attribute === 'object' && 'graph' in attribute;

function bytesOf(dtype: DType, values: readonly number[]): Uint8Array {
  const array =
    dtype === 'int64'
      ? BigInt64Array.from(values, (v) => BigInt(v))
      : dtype === 'int32'
        ? Int32Array.from(values)
        : dtype === 'float64'
          ? Float64Array.from(values)
          : dtype === 'bool'
            ? Uint8Array.from(values)
            : Float32Array.from(values);
  return new Uint8Array(array.buffer);
}
