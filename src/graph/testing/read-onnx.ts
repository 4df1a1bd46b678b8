import { readMessage } from '../protobuf.js';

/** The parts of an ONNX file that tests look at; field numbers are those of onnx.proto3. */
export interface ReadOnnx {
  nodes: { name: string; op: string; domain: string; inputs: string[]; outputs: string[] }[];
  opsets: { domain: string; version: number }[];
  irVersion: number;
  inputs: string[];
  outputs: string[];
  initializers: string[];
  metadata: Record<string, string>;
}

/** Collects the text fields of a message by field number. */
function texts(bytes: Uint8Array, ...fields: number[]): string[][] {
  const found: string[][] = fields.map(() => []);
  readMessage(bytes, (field, reader) => {
    const at = fields.indexOf(field);
    if (at < 0) return false;
    found[at]!.push(reader.string());
    return true;
  });
  return found;
}

export function readOnnx(bytes: Uint8Array): ReadOnnx {
  const result: ReadOnnx = {
    nodes: [],
    opsets: [],
    irVersion: 0,
    inputs: [],
    outputs: [],
    initializers: [],
    metadata: {},
  };
  readMessage(bytes, (field, reader) => {
    if (field === 1) result.irVersion = Number(reader.int64());
    else if (field === 7) readGraph(reader.bytes(), result);
    else if (field === 8) result.opsets.push(readOpset(reader.bytes()));
    else if (field === 14) {
      const [keys, values] = texts(reader.bytes(), 1, 2);
      result.metadata[keys![0]!] = values![0]!;
    } else return false;
    return true;
  });
  return result;
}

function readGraph(bytes: Uint8Array, result: ReadOnnx): void {
  readMessage(bytes, (field, reader) => {
    if (field === 1) {
      const [inputs, outputs, name, op, domain] = texts(reader.bytes(), 1, 2, 3, 4, 7);
      result.nodes.push({ inputs: inputs!, outputs: outputs!, name: name![0]!, op: op![0]!, domain: domain![0] ?? '' });
    } else if (field === 5) result.initializers.push(texts(reader.bytes(), 8)[0]![0]!);
    else if (field === 11) result.inputs.push(texts(reader.bytes(), 1)[0]![0]!);
    else if (field === 12) result.outputs.push(texts(reader.bytes(), 1)[0]![0]!);
    else return false;
    return true;
  });
}

function readOpset(bytes: Uint8Array): { domain: string; version: number } {
  const opset = { domain: '', version: 0 };
  readMessage(bytes, (field, reader) => {
    if (field === 1) opset.domain = reader.string();
    else if (field === 2) opset.version = Number(reader.int64());
    else return false;
    return true;
  });
  return opset;
}
