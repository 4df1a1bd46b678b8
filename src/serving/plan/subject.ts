import { createHash } from 'node:crypto';
import type { EncoderState } from '../../data/dataset.js';
import { type GraphCost, graphCost } from '../../graph/cost.js';
import { reachable, type Tensor } from '../../graph/index.js';
import type { ModelParts } from '../../models/contract.js';
import type { Schema } from '../../schema.js';
import type { ServingParts } from '../../training/serving-graph.js';
import type { Phase } from '../contract.js';

/** One phase of what is planned: the cost sheet of its model, and how to come by its files. */
export interface SubjectPhase {
  phase: Phase;
  /** Name of the model, and a hash over its options and features. */
  model: string;
  fingerprint: string;
  /** How many items it hands on unless the plan says otherwise. */
  keep: number;
  schema: Schema;
  encoders: EncoderState;
  retrieval: ModelParts['retrieval'];
  cost: CostSheet;
  /** Writes the model's ONNX files and their manifest to a folder, which does not exist yet. */
  writeModel(folder: string): Promise<void>;
}

/** What is planned: a run, a cascade or a published version. */
export interface Subject {
  origin: string;
  phases: SubjectPhase[];
  /** Items that are known today, and who says so. */
  items: number;
  itemsFrom: string;
  release(): Promise<void>;
}

/** What a model costs, read off its graph. */
export interface CostSheet {
  /** FLOPs of the item part for one item, and of the user part for one request. */
  item: number;
  user: number;
  /** FLOPs of the score part, and of the re-ranking part where there is one, for a list of so many candidates. */
  list(candidates: number): number;
  /** Bytes of an item's stored states. */
  stateBytes: number;
  /** Numbers in the item's vector and vectors a user asks with, where the model retrieves. */
  vector: { width: number; vectors: number } | undefined;
  /** Bytes of all weights that answer requests (user, score and rerank part). */
  weightBytes: number;
  /** Of these and of the item part, bytes for each item that training knows: tables of the item's own id. */
  servingBytesPerItem: number;
  trainingBytesPerItem: number;
  rerank: boolean;
}

/** Reads the cost sheet of a model off its serving graph. */
export function costSheet(parts: ServingParts, schema: Schema, retrieval: ModelParts['retrieval']): CostSheet {
  const cost = (outputs: Record<string, Tensor>, sizes: Record<string, number>): GraphCost =>
    graphCost(Object.values(outputs), sizes);
  const { item, user, score, rerank } = parts;
  const ids = ownIdRows(schema);
  const serving = [user, score, ...(rerank === undefined ? [] : [rerank])];
  return {
    item: cost(item, { I: 1 }).flops,
    user: cost(user, { B: 1 }).flops,
    list: (N) => cost(score, { N }).flops + (rerank === undefined ? 0 : cost(rerank, { B: 1, N }).flops),
    stateBytes: cost(item, { I: 1 }).outputBytes,
    vector: retrieval && vectorOf(user[`user.${retrieval.user}`]!.shape),
    weightBytes: serving.reduce((sum, part) => sum + bytesOf(parametersOf([part])), 0),
    servingBytesPerItem: serving.reduce((sum, part) => sum + perRow(parametersOf([part]), ids), 0),
    trainingBytesPerItem: perRow(parametersOf([item, ...serving]), ids),
    rerank: rerank !== undefined,
  };
}

/** Rows of the largest vocabulary of an item field: that of the item's own id where a field reads it; 0 where none has one. */
export function ownIdRows(schema: Schema): number {
  return Math.max(0, ...schema.item.map((feature) => (feature.encoding === 'id' ? feature.size : 0)));
}

/** What tells two models apart for which the same rates would be wrong. */
export function fingerprintOf(model: object, schema: Schema): string {
  return createHash('sha256')
    .update(JSON.stringify([model, schema]))
    .digest('hex')
    .slice(0, 16);
}

function vectorOf(shape: Tensor['shape']): { width: number; vectors: number } {
  return { width: shape.at(-1) as number, vectors: shape.length === 3 ? (shape[1] as number) : 1 };
}

function parametersOf(parts: readonly Record<string, Tensor>[]): readonly (readonly number[])[] {
  const found = new Map<string, readonly number[]>();
  for (const node of reachable(parts.flatMap((part) => Object.values(part)))) {
    if (node.op.name === 'parameter') found.set(node.attributes.name as string, node.shape as readonly number[]);
  }
  return [...found.values()];
}

function bytesOf(shapes: readonly (readonly number[])[]): number {
  return shapes.reduce((sum, shape) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
}

/** Bytes of one row of all tables with so many rows. */
function perRow(shapes: readonly (readonly number[])[], rows: number): number {
  return rows < 2 ? 0 : bytesOf(shapes.filter(([first]) => first === rows)) / rows;
}
