import { isTextAt, type PackedTexts, packTexts, textAt } from './packed-texts.js';

/**
 * Rows by key, in memory that all threads see: a hash table with open addressing. Row 0 is the unknown key. A number and a text are
 * never the same key.
 */
export interface PackedKeys {
  /** By row, NaN where the key is text; absent where all are. */
  numbers?: Float64Array;
  /** By row, empty where the key is a number. */
  texts: PackedTexts;
  /** A key's row stands where its hash says, or in the next place that was free; 0 is free. Their number is a power of two. */
  slots: Int32Array;
  /** Keys that differ. */
  size: number;
}

/** @param keys by row, the first one without meaning; of equal ones the last counts */
export function packKeys(keys: readonly (string | number)[]): PackedKeys {
  const hasNumbers = keys.some((key) => typeof key === 'number');
  const packed: PackedKeys = {
    ...(hasNumbers && { numbers: new Float64Array(new SharedArrayBuffer(8 * keys.length)) }),
    texts: packTexts(keys.map((key) => (typeof key === 'number' ? '' : key))),
    slots: new Int32Array(new SharedArrayBuffer(4 * 2 ** Math.ceil(Math.log2(2 * Math.max(1, keys.length))))),
    size: 0,
  };
  const { numbers, slots } = packed;
  keys.forEach((key, row) => {
    if (numbers !== undefined) numbers[row] = typeof key === 'number' ? key : Number.NaN;
    if (row === 0) return;
    const slot = slotOf(packed, key);
    if (slots[slot] === 0) packed.size++;
    slots[slot] = row;
  });
  return packed;
}

/** The row of a key, 0 where it is not known. */
export function rowOfKey(packed: PackedKeys, key: string | number): number {
  return packed.slots[slotOf(packed, key)]!;
}

export function keyAt({ numbers, texts }: PackedKeys, row: number): string | number {
  const number = numbers?.[row] ?? Number.NaN;
  return Number.isNaN(number) ? textAt(texts, row) : number;
}

/** Where a key stands, or would. */
function slotOf({ numbers, texts, slots }: PackedKeys, key: string | number): number {
  const last = slots.length - 1;
  let slot = (typeof key === 'number' ? hashOfNumber(key) : hashOfText(key)) & last;
  for (; slots[slot] !== 0; slot = (slot + 1) & last) {
    const row = slots[slot]!;
    if (typeof key === 'number') {
      if (numbers?.[row] === key) break;
    } else if (isTextAt(texts, row, key) && (numbers === undefined || Number.isNaN(numbers[row]))) break;
  }
  return slot;
}

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) over UTF-16 units, its bits mixed once more: only the lowest choose the slot. */
function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

function hashOfNumber(key: number): number {
  return mixed(key ^ Math.imul(Math.floor(key / 2 ** 32), 0x9e3779b1));
}

/** The finalizer of MurmurHash3. */
function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
