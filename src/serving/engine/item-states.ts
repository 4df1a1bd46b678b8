import { TwoTowerError } from '../../errors.js';
import type { FeedArray, Feeds } from '../../schema.js';
import { readSafetensors } from '../../training/safetensors.js';

/** One state of all items, row by row, in memory that every worker sees. */
export interface SharedState {
  data: Float32Array | Int32Array;
  /** Values of one row, and its shape. */
  width: number;
  shape: readonly number[];
}

/** By the name of the tensor, such as `item.vector`. */
export type SharedStates = Record<string, SharedState>;

/** Rows that are added before memory has to grow: the pages cost nothing until they are written. */
const SPARE = 4096;

/** Reads the item states of a phase. @throws SERVING_STORE when a value is not finite or tensors differ in their rows */
export async function readStates(file: string, rows: number): Promise<SharedStates> {
  const { tensors } = await readSafetensors(file);
  const states: SharedStates = {};
  for (const [name, { data, shape }] of tensors) {
    if (shape[0] !== rows) {
      throw new TwoTowerError(
        'SERVING_STORE',
        `${file}: ${name} has ${shape[0]} rows, the catalogue ${rows}`,
        'Publish again.',
      );
    }
    const source = data as Float32Array | Int32Array;
    if (source instanceof Float32Array) refuseNaN(file, name, source);
    states[name] = withRoom(
      { data: source, width: source.length / Math.max(1, rows), shape: shape.slice(1) },
      rows + SPARE,
    );
  }
  return states;
}

/** The same states with room for so many rows. */
export function withRoom(state: SharedState, rows: number): SharedState {
  const Type = state.data.constructor as new (buffer: SharedArrayBuffer) => Float32Array | Int32Array;
  const data = new Type(new SharedArrayBuffer(rows * state.width * 4));
  data.set(state.data as Float32Array);
  return { ...state, data };
}

/** From so many values on a row is copied sooner as a block than in a loop: measured, 128 values in half the time. */
const WIDE = 64;

/** Copies rows into one block of feeds. ONNX Runtime takes no shared memory, so that candidates are gathered anyway. */
export class StateGatherer {
  private readonly buffers = new Map<string, FeedArray>();

  /** @param names of the states that are read */
  gather(states: SharedStates, names: readonly string[], rows: Int32Array, count: number, feeds: Feeds): void {
    for (const name of names) {
      const { data, width, shape } = states[name]!;
      const target = this.buffer(name, data, count * width);
      copyRows(data, width, rows, count, target);
      feeds[name] = { data: target, shape: [count, ...shape] };
    }
  }

  private buffer(name: string, like: FeedArray, length: number): FeedArray {
    let buffer = this.buffers.get(name);
    if (buffer === undefined || buffer.length < length) {
      const Type = like.constructor as new (length: number) => FeedArray;
      buffer = new Type(length + (length >> 2));
      this.buffers.set(name, buffer);
    }
    return buffer.subarray(0, length);
  }
}

function copyRows(data: FeedArray, width: number, rows: Int32Array, count: number, target: FeedArray): void {
  if (width >= WIDE) {
    for (let i = 0; i < count; i++) {
      const from = rows[i]! * width;
      target.set(data.subarray(from, from + width), i * width);
    }
    return;
  }
  let at = 0;
  for (let i = 0; i < count; i++) {
    const from = rows[i]! * width;
    for (let k = 0; k < width; k++) target[at++] = data[from + k]!;
  }
}

/** Writes freshly encoded rows: row i of the feeds becomes row `rows[i]`. */
export function writeRows(states: SharedStates, rows: Int32Array, encoded: Feeds): void {
  for (const [name, { data, width }] of Object.entries(states)) {
    const source = encoded[name]!.data;
    for (let i = 0; i < rows.length; i++)
      data.set(source.subarray(i * width, (i + 1) * width) as Float32Array, rows[i]! * width);
  }
}

function refuseNaN(file: string, name: string, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new TwoTowerError(
      'SERVING_STORE',
      `${file}: ${name} holds ${values[i]}`,
      'The model has diverged: publish another run.',
    );
  }
}
