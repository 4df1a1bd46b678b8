/** A function of one whole number, as bytes of WebAssembly (Core Specification 2.0, section 5). It computes with four floats at a time (`v128`). */
export class Code {
  /** The local that holds what it was called with. */
  readonly parameter = 0;
  private readonly bytes: number[] = [];
  private readonly locals: number[] = [];

  local(type: 'i32' | 'v128'): number {
    this.locals.push(type === 'i32' ? I32 : V128);
    return this.locals.length;
  }

  get(local: number): this {
    return this.put(0x20, ...unsigned(local));
  }

  set(local: number): this {
    return this.put(0x21, ...unsigned(local));
  }

  tee(local: number): this {
    return this.put(0x22, ...unsigned(local));
  }

  int(value: number): this {
    return this.put(0x41, ...signed(value));
  }

  op(name: keyof typeof PLAIN): this {
    return this.put(PLAIN[name]);
  }

  /** What takes vectors from the stack and leaves one there; `any` leaves a whole number. */
  simd(name: keyof typeof SIMD): this {
    return this.put(0xfd, ...unsigned(SIMD[name]));
  }

  /** Four floats from an address on the stack. */
  load(offset: number): this {
    return this.put(0xfd, 0x00, 0, ...unsigned(offset));
  }

  /** One whole number from an address on the stack. */
  loadInt(offset: number): this {
    return this.put(0x28, 2, ...unsigned(offset));
  }

  /** Eight signed bytes from an address on the stack, as whole numbers of 16 bits. */
  loadBytes(offset: number): this {
    return this.put(0xfd, 0x01, 0, ...unsigned(offset));
  }

  /** One float from an address on the stack, four times. */
  splat(offset: number): this {
    return this.put(0xfd, 0x09, 0, ...unsigned(offset));
  }

  /** To an address below it on the stack. */
  store(offset: number): this {
    return this.put(0xfd, 0x0b, 0, ...unsigned(offset));
  }

  /** One whole number to an address below it on the stack. */
  storeInt(offset: number): this {
    return this.put(0x36, 2, ...unsigned(offset));
  }

  /** One float, four times. */
  float(value: number): this {
    return this.put(0xfd, 0x0c, ...new Uint8Array(new Float32Array(4).fill(value).buffer));
  }

  /** One whole number, four times. */
  ints(value: number): this {
    return this.put(0xfd, 0x0c, ...new Uint8Array(new Int32Array(4).fill(value).buffer));
  }

  /** Four of the eight floats of two vectors on the stack, 0 … 3 of the lower and 4 … 7 of the upper one. */
  shuffle(...floats: [number, number, number, number]): this {
    return this.put(0xfd, 0x0d, ...floats.flatMap((at) => [4 * at, 4 * at + 1, 4 * at + 2, 4 * at + 3]));
  }

  /** A loop whose counter runs from 0 to `count` (a local, or a number) by one; it runs at least once. */
  loop(count: { local: number } | number, body: (counter: number) => void): void {
    const counter = this.local('i32');
    this.int(0).set(counter);
    this.put(0x03, 0x40);
    body(counter);
    this.get(counter).int(1).op('add').tee(counter);
    if (typeof count === 'number') this.int(count);
    else this.get(count.local);
    this.op('less').put(0x0d, 0, 0x0b);
  }

  /** The function as it stands in a module. */
  finish(): number[] {
    const body = [...vector(this.locals.map((type) => [1, type])), ...this.bytes, 0x0b];
    return [...unsigned(body.length), ...body];
  }

  private put(...bytes: number[]): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }
}

/** What is used of it: Node's own types leave it to those of browsers. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  Instance: new (module: object) => { exports: object };
};

/** A module in use. */
export interface Assembled {
  run: (parameter: number) => void;
  memory: {
    /** Another one after `grow`. */
    readonly buffer: ArrayBuffer;
    /** @param pages of 64 KiB */
    grow(pages: number): void;
  };
}

/** @throws WebAssembly.CompileError where the processor, or Node, has no vectors */
export function instantiate(bytes: Uint8Array<ArrayBuffer>): Assembled {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Assembled;
}

const I32 = 0x7f;
const V128 = 0x7b;
const PLAIN = { less: 0x49, add: 0x6a, multiply: 0x6c } as const;
const SIMD = {
  sqrt: 227,
  add: 228,
  subtract: 229,
  multiply: 230,
  divide: 231,
  max: 233,
  /** Of two, but the first one where one is NaN: one instruction instead of several. */
  smaller: 234,
  larger: 235,
  shiftLeft: 171,
  addInts: 174,
  largerInts: 184,
  /** Of two vectors of whole numbers: all ones where the first one is no smaller. */
  atLeastInts: 63,
  /** Of one vector a whole number: 1 where any bit is set, otherwise 0. */
  any: 83,
  /** Of eight numbers of 16 bits each: the sums of two products at a time, four numbers of 32 bits. */
  pairProducts: 186,
} as const;

/**
 * A module of one function, exported as `run`, that takes a whole number and gives nothing, and one memory, exported as `memory`.
 *
 * @param pages of 64 KiB
 */
export function assemble(code: Code, pages: number): Uint8Array<ArrayBuffer> {
  const sections: [number, number[]][] = [
    [1, vector([[0x60, ...vector([[I32]]), ...vector([])]])],
    [3, vector([[0]])],
    [5, vector([[0, ...unsigned(pages)]])],
    [
      7,
      vector([
        [...text('run'), 0, 0],
        [...text('memory'), 2, 0],
      ]),
    ],
    [10, vector([code.finish()])],
  ];
  const module = sections.flatMap(([id, section]) => [id, ...unsigned(section.length), ...section]);
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...module]);
}

function text(name: string): number[] {
  return vector([...Buffer.from(name)].map((byte) => [byte]));
}

function vector(items: readonly number[][]): number[] {
  return [unsigned(items.length), ...items].flat();
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 127;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 128);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 127;
    const isLast = (rest >> 7 === 0 && (low & 64) === 0) || (rest >> 7 === -1 && (low & 64) !== 0);
    bytes.push(isLast ? low : low | 128);
    if (isLast) return bytes;
  }
}
