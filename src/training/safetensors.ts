import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { TwoTowerError } from '../errors.js';

/** What a stored tensor may hold. */
export type TensorData = Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** One tensor on the host, row-major; `data.length` is the product of `shape`. */
export interface StoredTensor {
  data: TensorData;
  shape: readonly number[];
}

export interface Safetensors {
  tensors: Map<string, StoredTensor>;
  metadata: Record<string, string>;
}

// Widest first: written in this order, every tensor starts at a multiple of its element size.
const TYPES = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
} as const;
type Dtype = keyof typeof TYPES;
const DTYPES = Object.keys(TYPES) as Dtype[];

const MAX_HEADER_BYTES = 100_000_000;
const CHUNK_BYTES = 32 << 20;

/**
 * Writes tensors in the safetensors format (https://huggingface.co/docs/safetensors, "Format") and returns the file's
 * SHA-256. Arrays are streamed as they are, without a copy: they must not change before the promise resolves.
 * The bytes depend on names, shapes and values only, not on the order of `tensors`.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, StoredTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<string> {
  const entries = [...tensors].map(([name, tensor]) => ({ name, ...tensor, dtype: dtypeOf(tensor.data) }));
  entries.sort((a, b) => DTYPES.indexOf(a.dtype) - DTYPES.indexOf(b.dtype) || (a.name < b.name ? -1 : 1));
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push(['__metadata__', metadata]);
  const seen = new Set<string>();
  let offset = 0;
  for (const { name, data, shape, dtype } of entries) {
    if (seen.has(name) || name === '__metadata__') throw new Error(`tensor name "${name}" is taken`);
    seen.add(name);
    if (product(shape) !== data.length) {
      throw new Error(`tensor "${name}" has ${data.length} values, shape [${shape}] wants ${product(shape)}`);
    }
    header.push([name, { dtype, shape, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  // Assembled by hand: in an object, names such as "10" or "__proto__" would move or vanish.
  const json = `{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  const text = Buffer.from(json);
  const padded = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ');
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  text.copy(padded, 8);

  const hash = createHash('sha256');
  const file = await open(path, 'w');
  try {
    for (const bytes of [padded, ...entries.map(({ data }) => bytesOf(data))]) {
      for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
        const chunk = bytes.subarray(start, start + CHUNK_BYTES);
        await file.writeFile(chunk);
        hash.update(chunk);
      }
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

export interface ReadOptions {
  /** Whether tensors lie in memory that all threads see. */
  shared?: boolean;
}

/**
 * Reads a safetensors file, each tensor straight into its own array. Anything that is not exactly such a file (truncated,
 * with a hole, an overlap, surplus bytes, an unknown type, a header that is not JSON) is a CHECKPOINT_DAMAGED error naming it.
 */
export async function readSafetensors(path: string, { shared = false }: ReadOptions = {}): Promise<Safetensors> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { entries, metadata, dataStart } = await readHeader(file, size, path);
    const tensors = new Map<string, StoredTensor>();
    for (const { name, dtype, shape, begin } of entries) {
      const bytes = product(shape) * TYPES[dtype].BYTES_PER_ELEMENT;
      const buffer = shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
      const data = new TYPES[dtype](buffer as ArrayBuffer);
      await readExactly(file, bytesOf(data), dataStart + begin, path);
      tensors.set(name, { data, shape });
    }
    return { tensors, metadata };
  } finally {
    await file.close();
  }
}

interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

async function readHeader(file: FileHandle, size: number, path: string) {
  if (size < 8) throw damaged(path, `it has ${size} bytes, a header alone takes more`);
  const prefix = Buffer.alloc(8);
  await readExactly(file, prefix, 0, path);
  const headerBytes = prefix.readBigUInt64LE();
  if (headerBytes > MAX_HEADER_BYTES) throw damaged(path, `its header claims ${headerBytes} bytes`);
  const dataStart = 8 + Number(headerBytes);
  if (dataStart > size) throw damaged(path, `its header claims ${headerBytes} bytes, the file has ${size}`);
  const text = Buffer.alloc(Number(headerBytes));
  await readExactly(file, text, 8, path);
  const { entries, metadata } = parseHeader(text, path);
  // In order of position every tensor must begin where the one before ends: no hole, no overlap, nothing behind the last.
  let position = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== position) throw damaged(path, `tensor "${name}" begins at ${begin} instead of ${position}`);
    position = end;
  }
  if (dataStart + position !== size) {
    throw damaged(path, `its tensors take ${dataStart + position} bytes, the file has ${size}`);
  }
  return { entries, metadata, dataStart };
}

function parseHeader(text: Buffer, path: string): { entries: Entry[]; metadata: Record<string, string> } {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text));
  } catch {
    throw damaged(path, 'its header is not JSON');
  }
  if (text[0] !== 0x7b || !isObject(header)) throw damaged(path, 'its header is not a JSON object');
  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isObject(value) || !Object.values(value).every((item) => typeof item === 'string')) {
        throw damaged(path, '__metadata__ is not a map of strings');
      }
      metadata = value as Record<string, string>;
    } else {
      entries.push(parseEntry(name, value, path));
    }
  }
  return { entries, metadata };
}

function parseEntry(name: string, value: unknown, path: string): Entry {
  const { dtype, shape, data_offsets: offsets, ...rest } = isObject(value) ? value : {};
  if (!DTYPES.includes(dtype as Dtype)) {
    throw damaged(path, `tensor "${name}" has the type ${JSON.stringify(dtype)}, known are ${DTYPES.join(', ')}`);
  }
  if (!isNaturals(shape)) throw damaged(path, `tensor "${name}" has no usable shape`);
  if (!isNaturals(offsets) || offsets.length !== 2) throw damaged(path, `tensor "${name}" has no usable data_offsets`);
  const [begin, end] = offsets as [number, number];
  const bytes = product(shape) * TYPES[dtype as Dtype].BYTES_PER_ELEMENT;
  if (end - begin !== bytes) {
    throw damaged(
      path,
      `tensor "${name}" of ${dtype}[${shape}] needs ${bytes} bytes, its data_offsets span ${end - begin}`,
    );
  }
  if (Object.keys(rest).length > 0)
    throw damaged(path, `tensor "${name}" has the unknown key "${Object.keys(rest)[0]}"`);
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

async function readExactly(file: FileHandle, target: Uint8Array, position: number, path: string): Promise<void> {
  for (let start = 0; start < target.length; ) {
    const length = Math.min(CHUNK_BYTES, target.length - start);
    const { bytesRead } = await file.read(target, start, length, position + start);
    if (bytesRead === 0) throw damaged(path, 'it ends too early');
    start += bytesRead;
  }
}

function dtypeOf(data: TensorData): Dtype {
  const dtype = DTYPES.find((name) => data instanceof TYPES[name]);
  if (dtype === undefined) throw new Error(`${data.constructor.name} has no safetensors type here`);
  return dtype;
}

function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, dimension) => total * dimension, 1);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function damaged(path: string, what: string): TwoTowerError {
  return new TwoTowerError('CHECKPOINT_DAMAGED', `${path} is damaged: ${what}`);
}
