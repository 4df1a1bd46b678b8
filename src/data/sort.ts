/**
 * The order that sorts numbers ascending, equal ones as they stand; undefined if they stand so already.
 * A radix sort over the bits of the doubles: 16 bytes a number beside them, and no comparisons.
 */
export function stableOrder(values: Float64Array): Uint32Array | undefined {
  let sorted = true;
  for (let i = 1; i < values.length && sorted; i++) sorted = !(values[i]! < values[i - 1]!);
  if (sorted) return undefined;
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  let order = new Uint32Array(values.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  let next = new Uint32Array(values.length);
  const counts = new Uint32Array(65537);
  for (let digit = 0; digit < 4; digit++) {
    const at = digit >> 1;
    const shift = (digit & 1) * 16;
    // Doubles compare like integers once negative ones are inverted and the sign of the others is set.
    const digitOf = (row: number) => {
      const high = words[row * 2 + 1]!;
      const word = words[row * 2 + at]!;
      const flipped = high >>> 31 ? ~word : at === 1 ? word | 0x80000000 : word;
      return (flipped >>> shift) & 0xffff;
    };
    counts.fill(0);
    for (let i = 0; i < order.length; i++) counts[digitOf(i) + 1]!++;
    for (let i = 1; i < counts.length; i++) counts[i]! += counts[i - 1]!;
    for (let i = 0; i < order.length; i++) {
      const row = order[i]!;
      next[counts[digitOf(row)]!++] = row;
    }
    [order, next] = [next, order];
  }
  return order;
}

/** Moves arrays of rows into another order in place, through one scratch buffer: no array is held twice. */
export class Reorder {
  private scratch = new ArrayBuffer(0);

  constructor(private readonly order: Uint32Array) {}

  /** @param width values a row */
  rows(values: Int32Array | Float32Array | Float64Array, width = 1): void {
    if (this.scratch.byteLength < values.byteLength) this.scratch = new ArrayBuffer(values.byteLength);
    const kept = new (values.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => typeof values)(
      this.scratch,
      0,
      values.length,
    );
    kept.set(values);
    const { order } = this;
    if (width === 1) {
      for (let i = 0; i < order.length; i++) values[i] = kept[order[i]!]!;
      return;
    }
    for (let i = 0; i < order.length; i++) {
      const from = order[i]! * width;
      for (let k = 0; k < width; k++) values[i * width + k] = kept[from + k]!;
    }
  }
}
