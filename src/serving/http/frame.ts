/**
 * The compact form of `/v1/rank`: a JSON head and arrays of numbers as they lie in memory, all little-endian.
 *
 *     bytes 0–3    "TTF1"
 *     bytes 4–7    uint32: length of the head in bytes, H
 *     8 … 8+H      the head, JSON in UTF-8, padded with spaces so that 8+H is a multiple of 8
 *     then         the arrays, each beginning at the next multiple of 8
 *
 * The head's key `arrays` lists them: `[{ name, type, length }]`. Runs in browsers too: nothing of Node is used.
 */
export const FRAME_TYPE = 'application/vnd.twotower.frame';

const MAGIC = 0x31465454;
const ALIGNMENT = 8;

const TYPES = {
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

// Making one takes longer than using it.
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export type FrameArrayType = keyof typeof TYPES;
export type FrameArray = Int32Array | Uint32Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array;
export interface Frame {
  head: Record<string, unknown>;
  arrays: Record<string, FrameArray>;
}

/** What is wrong with a frame, for people. */
export class FrameError extends Error {}

export function encodeFrame({ head, arrays }: Frame): Uint8Array<ArrayBuffer> {
  const list = Object.entries(arrays).map(([name, values]) => ({ name, type: typeOf(values), length: values.length }));
  const text = encoder.encode(JSON.stringify({ ...head, arrays: list }));
  const headLength = aligned(8 + text.length) - 8;
  const sizes = Object.values(arrays).map((values) => aligned(values.byteLength));
  const bytes = new Uint8Array(8 + headLength + sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, headLength, true);
  bytes.fill(0x20, 8, 8 + headLength);
  bytes.set(text, 8);
  let at = 8 + headLength;
  Object.values(arrays).forEach((values, i) => {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += sizes[i]!;
  });
  return bytes;
}

/** @throws FrameError when the bytes are no frame or their lengths do not fit together */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.byteLength < 8) throw new FrameError(`${bytes.byteLength} bytes are too few for a frame`);
  // Typed arrays must begin at a multiple of their element size, which a slice of a larger buffer need not. A Buffer's own slice
  // would be no copy.
  const own = bytes.byteOffset % ALIGNMENT === 0 ? bytes : new Uint8Array(bytes);
  const view = new DataView(own.buffer, own.byteOffset, own.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new FrameError('the frame does not begin with TTF1');
  const headLength = view.getUint32(4, true);
  if (headLength > own.byteLength - 8 || (8 + headLength) % ALIGNMENT !== 0) {
    throw new FrameError(`a head of ${headLength} bytes does not fit a frame of ${own.byteLength}`);
  }
  const { arrays: list, ...head } = headOf(own.subarray(8, 8 + headLength));
  if (!Array.isArray(list) || list.length > 16) throw new FrameError('the head needs `arrays`, a list of at most 16');
  const arrays: Record<string, FrameArray> = {};
  let at = 8 + headLength;
  for (const one of list as { name?: unknown; type?: unknown; length?: unknown }[]) {
    const { name, type, length } = one ?? {};
    if (typeof name !== 'string' || name === '__proto__') throw new FrameError('an array needs a name');
    if (typeof type !== 'string' || !Object.hasOwn(TYPES, type)) {
      throw new FrameError(`array ${name}: unknown type, known: ${Object.keys(TYPES).join(', ')}`);
    }
    const ArrayOf = TYPES[type as FrameArrayType];
    const size = Number(length) * ArrayOf.BYTES_PER_ELEMENT;
    if (!Number.isSafeInteger(length) || (length as number) < 0 || at + size > own.byteLength) {
      throw new FrameError(`array ${name}: ${length} values do not fit the frame`);
    }
    arrays[name] = new ArrayOf(own.buffer as ArrayBuffer, own.byteOffset + at, length as number);
    at += aligned(size);
  }
  if (aligned(at) !== aligned(own.byteLength))
    throw new FrameError(`the frame has ${own.byteLength - at} bytes too many`);
  return { head, arrays };
}

function headOf(bytes: Uint8Array): Record<string, unknown> {
  let head: unknown;
  try {
    head = JSON.parse(decoder.decode(bytes));
  } catch {
    throw new FrameError('the head is not JSON in UTF-8');
  }
  if (typeof head !== 'object' || head === null || Array.isArray(head)) throw new FrameError('the head is no object');
  if (Object.hasOwn(head, '__proto__')) throw new FrameError('the head has a key __proto__');
  return head as Record<string, unknown>;
}

function typeOf(values: FrameArray): FrameArrayType {
  for (const [name, ArrayOf] of Object.entries(TYPES)) if (values instanceof ArrayOf) return name as FrameArrayType;
  throw new FrameError('unknown kind of array');
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}
