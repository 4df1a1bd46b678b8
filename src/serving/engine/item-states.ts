import { TwoTowerError } from '../../errors.js';
import type { FeedArray, Feeds } from '../../schema.js';
import { readSafetensors } from '../../training/safetensors.js';
import type { PartManifest, PhaseManifest } from '../manifest.js';

/** Where one state of an item lies in the item's row. */
export interface StateLayout {
  type: 'float32' | 'int32';
  /** Its first value, counted from the beginning of the row, and how many there are. */
  offset: number;
  width: number;
  shape: readonly number[];
}

/**
 * The states of all items, in memory that every worker sees. All states of an item lie side by side in one row, so that a
 * candidate is read from one place: measured, the five states of a RankTower item in a third of the time that five arrays take.
 */
export interface SharedStates {
  memory: SharedArrayBuffer;
  /** Values of four bytes from one row to the next; even, as are the offsets, so that two values can be copied as one double. */
  stride: number;
  /** By the name of the tensor, such as `item.vector`. */
  layout: Readonly<Record<string, StateLayout>>;
}

/** One float state of all items: row r has `width` values from `r * stride + offset` on. */
export interface Vectors {
  data: Float32Array;
  stride: number;
  offset: number;
  width: number;
}

/** Rows that are added before memory has to grow: the pages cost nothing until they are written. */
const SPARE = 4096;
/** Values that are packed at once: what was looked at is then still in the cache when it is copied. */
const BLOCK = 1 << 16;

/** Reads the item states of a phase. @throws SERVING_STORE when a value is not finite or tensors differ in their rows */
export async function readStates(file: string, rows: number): Promise<SharedStates> {
  const { tensors } = await readSafetensors(file);
  const source: Feeds = {};
  for (const [name, { data, shape }] of tensors) {
    if (shape[0] !== rows) {
      throw new TwoTowerError(
        'SERVING_STORE',
        `${file}: ${name} has ${shape[0]} rows, the catalogue ${rows}`,
        'Publish again.',
      );
    }
    source[name] = { data: data as FeedArray, shape: [...shape] };
  }
  const states = emptyStates(source, rows + SPARE);
  const step = Math.max(1, Math.floor(BLOCK / Math.max(1, states.stride)));
  for (let from = 0; from < rows; from += step) {
    const count = Math.min(step, rows - from);
    const block: Feeds = {};
    for (const [name, { width }] of Object.entries(states.layout)) {
      const data = source[name]!.data.subarray(from * width, (from + count) * width) as FeedArray;
      if (data instanceof Float32Array) refuseNaN(file, name, data);
      block[name] = { data, shape: [count, ...source[name]!.shape.slice(1)] };
    }
    writeRows(
      states,
      Int32Array.from({ length: count }, (_, i) => from + i),
      block,
    );
  }
  return states;
}

/** Room for `capacity` items with states like these, side by side. */
export function emptyStates(like: Feeds, capacity: number): SharedStates {
  const layout: Record<string, StateLayout> = {};
  let stride = 0;
  for (const [name, { data, shape }] of Object.entries(like)) {
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    const type = data instanceof Float32Array ? 'float32' : 'int32';
    layout[name] = { type, offset: stride, width, shape: shape.slice(1) };
    stride += width + (width % 2);
  }
  return { memory: new SharedArrayBuffer(capacity * stride * 4), stride, layout };
}

/** Items that there is room for. */
export function capacityOf({ memory, stride }: SharedStates): number {
  return stride === 0 ? Number.POSITIVE_INFINITY : memory.byteLength / (4 * stride);
}

/** Makes room for so many items. Whoever reads the memory there was before has to be told. */
export function makeRoom(states: SharedStates, capacity: number): void {
  const memory = new SharedArrayBuffer(capacity * states.stride * 4);
  new Uint8Array(memory).set(new Uint8Array(states.memory));
  states.memory = memory;
}

/** One state of all items, to be read in place. */
export function vectorsOf({ memory, stride, layout }: SharedStates, name: string): Vectors {
  const { offset, width } = layout[name]!;
  return { data: new Float32Array(memory), stride, offset, width };
}

/** A copy of one item's vector. */
export function copyVector({ data, stride, offset }: Vectors, row: number, into: Float32Array): void {
  const start = row * stride + offset;
  for (let i = 0; i < into.length; i++) into[i] = data[start + i]!;
}

export function vectorAt({ data, stride, offset, width }: Vectors, row: number): Float32Array {
  return Float32Array.from(data.subarray(row * stride + offset, row * stride + offset + width));
}

/** Whether all that is known of an item is numbers. */
export function isFiniteRow({ memory, stride, layout }: SharedStates, row: number): boolean {
  const values = new Float32Array(memory, row * stride * 4, stride);
  for (const { type, offset, width } of Object.values(layout)) {
    if (type === 'float32' && !values.subarray(offset, offset + width).every(Number.isFinite)) return false;
  }
  return true;
}

/** Writes freshly encoded rows: row i of the feeds becomes row `rows[i]`. */
export function writeRows({ memory, stride, layout }: SharedStates, rows: Int32Array, encoded: Feeds): void {
  for (const [name, { type, offset, width }] of Object.entries(layout)) {
    const target = type === 'float32' ? new Float32Array(memory) : new Int32Array(memory);
    const source = encoded[name]!.data;
    for (let i = 0; i < rows.length; i++) {
      const to = rows[i]! * stride + offset;
      for (let k = 0; k < width; k++) target[to + k] = source[i * width + k]!;
    }
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

/** Item states that a part reads. */
export function readBy({ inputs }: PartManifest, { layout }: SharedStates): string[] {
  return inputs.map(({ name }) => name).filter((name) => name in layout);
}

/** Whether the score part of a phase is the inner product of two states, and something that is the same for all items of a request. */
export function scoresByProduct({ parts, retrieval }: PhaseManifest, states: SharedStates): boolean {
  const read = readBy(parts.score, states);
  return read.length === 1 && read[0] === (retrieval && `item.${retrieval.item}`);
}

/** Whether a phase looks for the largest inner products among all items. */
export function isSearchedExactly({ phase, retrieval, index }: PhaseManifest): boolean {
  return phase === 'retrieve' && retrieval !== undefined && index === undefined;
}
