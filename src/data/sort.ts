import type { EncodedColumn } from './dataset.js';

/**
 * The order that sorts numbers ascending, equal ones as they stand; undefined if they stand so already.
 * A radix sort over the bits of the doubles: 16 bytes a number beside them, and no comparisons.
 */
export function stableOrder(values: Float64Array): Uint32Array | undefined {
  let sorted = true;
  for (let i = 1; i < values.length && sorted; i++) sorted = !(values[i]! < values[i - 1]!);
  if (sorted) return undefined;
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  let order = Uint32Array.from({ length: values.length }, (_, i) => i);
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

/** A copy of `values` in another order, `width` of them a row. */
export function reorder<T extends Int32Array | Float32Array | Float64Array>(
  values: T,
  order: Uint32Array,
  width = 1,
): T {
  const copy = new (values.constructor as new (length: number) => T)(values.length);
  if (width === 1) {
    for (let i = 0; i < order.length; i++) copy[i] = values[order[i]!]!;
    return copy;
  }
  for (let i = 0; i < order.length; i++) {
    const from = order[i]! * width;
    for (let k = 0; k < width; k++) copy[i * width + k] = values[from + k]!;
  }
  return copy;
}

/** A column in another order. */
export function reorderColumn(column: EncodedColumn, order: Uint32Array): EncodedColumn {
  switch (column.encoding) {
    case 'id':
      return { encoding: 'id', rows: reorder(column.rows, order) };
    case 'ids':
      return {
        ...column,
        rows: reorder(column.rows, order, column.maxLength),
        lengths: reorder(column.lengths, order),
      };
    case 'numbers':
      return { ...column, values: reorder(column.values, order, column.width) };
  }
}
