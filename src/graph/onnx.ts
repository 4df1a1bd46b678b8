import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { DType } from './dtype.js';
import type { Dim } from './shape.js';

/**
 * Writes ONNX ModelProto. Field numbers are those of onnx.proto3 (IR version 10, operator set 21); only what our graphs
 * use is here.
 */
export const OPSET = 21;
const IR_VERSION = 10;

export type OnnxAttribute =
  | number
  | string
  | readonly number[]
  | { float: number }
  | { tensor: OnnxTensor }
  | { graph: OnnxGraph };

export interface OnnxNode {
  name: string;
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, OnnxAttribute>;
}

export interface OnnxValue {
  name: string;
  dtype: DType;
  shape: readonly Dim[];
}

export interface OnnxTensor {
  dtype: DType;
  dims: readonly number[];
  /** Little-endian element bytes. */
  bytes: Uint8Array;
}

/** Nodes between inputs and outputs; as the body of an operator it may also read what stands around it by name. */
export interface OnnxGraph {
  name: string;
  nodes: OnnxNode[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

export interface OnnxModel extends OnnxGraph {
  initializers: Map<string, OnnxTensor>;
  metadata?: Record<string, string>;
}

/** TensorProto.DataType */
export const ONNX_TYPE: Record<DType, number> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

type Fields = (writer: BinaryWriter) => void;

function message(writer: BinaryWriter, field: number, fields: Fields): void {
  const inner = new BinaryWriter();
  fields(inner);
  writer.tag(field, WireType.LengthDelimited).bytes(inner.finish());
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function integer(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function tensorFields(tensor: OnnxTensor, name?: string): Fields {
  return (w) => {
    for (const dim of tensor.dims) integer(w, 1, dim);
    integer(w, 2, ONNX_TYPE[tensor.dtype]);
    if (name !== undefined) text(w, 8, name);
    w.tag(9, WireType.LengthDelimited).bytes(tensor.bytes);
  };
}

function attributeFields(name: string, value: OnnxAttribute): Fields {
  return (w) => {
    text(w, 1, name);
    if (typeof value === 'number') {
      integer(w, 3, value);
      integer(w, 20, 2);
    } else if (typeof value === 'string') {
      w.tag(4, WireType.LengthDelimited).string(value);
      integer(w, 20, 3);
    } else if (Array.isArray(value)) {
      for (const item of value) integer(w, 8, item);
      integer(w, 20, 7);
    } else if ('float' in (value as object)) {
      w.tag(2, WireType.Bit32).float((value as { float: number }).float);
      integer(w, 20, 1);
    } else if ('graph' in (value as object)) {
      message(w, 6, graphFields((value as { graph: OnnxGraph }).graph));
      integer(w, 20, 5);
    } else {
      message(w, 5, tensorFields((value as { tensor: OnnxTensor }).tensor));
      integer(w, 20, 4);
    }
  };
}

function valueFields(value: OnnxValue): Fields {
  return (w) => {
    text(w, 1, value.name);
    message(w, 2, (type) =>
      message(type, 1, (tensor) => {
        integer(tensor, 1, ONNX_TYPE[value.dtype]);
        message(tensor, 2, (shape) => {
          for (const dim of value.shape) {
            message(shape, 1, (d) => (typeof dim === 'number' ? integer(d, 1, dim) : text(d, 2, dim)));
          }
        });
      }),
    );
  };
}

function graphFields({ name, nodes, inputs, outputs }: OnnxGraph, initializers?: OnnxModel['initializers']): Fields {
  return (graph) => {
    for (const node of nodes) {
      message(graph, 1, (w) => {
        for (const name of node.inputs) text(w, 1, name);
        for (const name of node.outputs) text(w, 2, name);
        text(w, 3, node.name);
        text(w, 4, node.op);
        for (const [name, value] of Object.entries(node.attributes ?? {})) message(w, 5, attributeFields(name, value));
      });
    }
    text(graph, 2, name);
    for (const [name, tensor] of initializers ?? []) message(graph, 5, tensorFields(tensor, name));
    for (const value of inputs) message(graph, 11, valueFields(value));
    for (const value of outputs) message(graph, 12, valueFields(value));
  };
}

/** The bytes of an `.onnx` file. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const writer = new BinaryWriter();
  integer(writer, 1, IR_VERSION);
  text(writer, 2, 'twotower');
  message(writer, 7, graphFields(model, model.initializers));
  message(writer, 8, (opset) => {
    text(opset, 1, '');
    integer(opset, 2, OPSET);
  });
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    message(writer, 14, (w) => {
      text(w, 1, key);
      text(w, 2, value);
    });
  }
  return writer.finish();
}
