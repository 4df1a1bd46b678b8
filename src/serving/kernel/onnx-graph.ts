import { readMessage } from '../../graph/protobuf.js';

/** One operator of an ONNX file with a single output. */
export interface GraphNode {
  op: string;
  inputs: string[];
  output: string;
  /** Whole numbers, lists of them and floats. */
  attributes: Map<string, number | number[]>;
}

export interface GraphConstant {
  dims: number[];
  values: Float32Array | number[];
}

export interface OnnxGraph {
  /** What a node reads comes before it. */
  nodes: GraphNode[];
  /** Decoded when asked for: weights may be large. */
  constant(name: string): GraphConstant | undefined;
}

const FLOAT = 1;
const INT64 = 7;

/** Reads what the files of our own parts hold; field numbers are those of onnx.proto3. */
export function readOnnxGraph(file: Uint8Array): OnnxGraph {
  const nodes: GraphNode[] = [];
  const constants = new Map<string, Uint8Array>();
  readMessage(file, (field, model) => {
    if (field !== 7) return false;
    readMessage(model.bytes(), (part, graph) => {
      if (part === 1) nodes.push(readNode(graph.bytes()));
      else if (part === 5) {
        const bytes = graph.bytes();
        constants.set(nameOf(bytes), bytes);
      } else return false;
      return true;
    });
    return true;
  });
  return {
    nodes,
    constant(name) {
      const bytes = constants.get(name);
      return bytes && readConstant(bytes);
    },
  };
}

function readNode(bytes: Uint8Array): GraphNode {
  const node: GraphNode = { op: '', inputs: [], output: '', attributes: new Map() };
  readMessage(bytes, (field, reader) => {
    if (field === 1) node.inputs.push(reader.string());
    else if (field === 2) node.output = reader.string();
    else if (field === 4) node.op = reader.string();
    else if (field === 5) {
      const [name, value] = readAttribute(reader.bytes());
      node.attributes.set(name, value);
    } else return false;
    return true;
  });
  return node;
}

function readAttribute(bytes: Uint8Array): [string, number | number[]] {
  let name = '';
  let one: number | undefined;
  const list: number[] = [];
  readMessage(bytes, (field, reader) => {
    if (field === 1) name = reader.string();
    else if (field === 2) one = reader.float();
    else if (field === 3) one = Number(reader.int64());
    else if (field === 8) list.push(Number(reader.int64()));
    else return false;
    return true;
  });
  return [name, one ?? list];
}

function nameOf(bytes: Uint8Array): string {
  let name = '';
  readMessage(bytes, (field, reader) => {
    if (field !== 8) return false;
    name = reader.string();
    return true;
  });
  return name;
}

function readConstant(bytes: Uint8Array): GraphConstant | undefined {
  const dims: number[] = [];
  let type = 0;
  let raw = new Uint8Array(0);
  readMessage(bytes, (field, reader) => {
    if (field === 1) dims.push(Number(reader.int64()));
    else if (field === 2) type = reader.int32();
    else if (field === 9) raw = Uint8Array.from(reader.bytes());
    else return false;
    return true;
  });
  if (type === FLOAT) return { dims, values: new Float32Array(raw.buffer) };
  if (type === INT64) return { dims, values: Array.from(new BigInt64Array(raw.buffer), Number) };
  return undefined;
}
