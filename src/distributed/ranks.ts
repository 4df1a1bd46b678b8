/**
 * Processes that train one model together. Every method is called by all ranks in the same order, and ends when all that is
 * needed from the others has come.
 */
export interface Ranks {
  /** This process's number, from 0. The first one leads: it talks to the user and owns the run folder. */
  readonly rank: number;
  readonly size: number;
  /** Adds up the values of all ranks in place, the same bits on every rank. */
  sum(values: Float32Array): Promise<void>;
  /** The bytes of all ranks one after another, written to `into`. `lengths` says how many each has. */
  gather(own: Uint8Array, lengths: readonly number[], into: Uint8Array): Promise<void>;
  /** Hands `parts[r]` to rank r; returns what every rank had for this one, valid until the next call. */
  swap(parts: readonly Uint8Array[]): Promise<Uint8Array[]>;
  /** The first rank's bytes on every rank; the others give none. They may wait long for them and rest meanwhile. */
  broadcast(bytes?: Uint8Array): Promise<Uint8Array>;
  /** Ends the work in good order; nothing is exchanged afterwards. */
  leave(): Promise<void>;
  /** Ends all ranks at once. */
  abort(exitCode: number): never;
}

/** One process by itself, which has nobody to exchange anything with. */
export const ALONE: Ranks = {
  rank: 0,
  size: 1,
  sum: async () => {},
  gather: async (own, _, into) => into.set(own),
  swap: async (parts) => [...parts],
  broadcast: async (bytes = new Uint8Array()) => bytes,
  leave: async () => {},
  abort: (exitCode) => process.exit(exitCode),
};

/** The memory of an array as bytes. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Bytes as numbers, where they lie if they are aligned. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } = aligned(bytes);
  return new Float32Array(buffer as ArrayBuffer, byteOffset, byteLength / 4);
}

export function intsOf(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset, byteLength } = aligned(bytes);
  return new Int32Array(buffer as ArrayBuffer, byteOffset, byteLength / 4);
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
}
