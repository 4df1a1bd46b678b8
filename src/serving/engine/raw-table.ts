import type { RawRecord } from '../../data/featurizer.js';
import { canonicalText } from '../../data/fields/kind.js';
import type { Key } from '../contract.js';
import { columnReader, type PackedColumn, packColumn, type RawColumn } from './packed-column.js';
import { keyAt, type PackedKeys, packKeys, rowOfKey } from './packed-keys.js';

/** A key as it is found: whole numbers as numbers, which hash faster, everything else as text; undefined for no key. */
export function canonicalKey(key: unknown): string | number | undefined {
  if (typeof key === 'number' && Number.isSafeInteger(key)) return key + 0;
  const text = canonicalText(key);
  if (text === null) return undefined;
  const first = text.charCodeAt(0);
  if (text.length > 17 || !((first >= 48 && first <= 57) || first === 45)) return text;
  const number = Number(text);
  return Number.isSafeInteger(number) && String(number) === text ? number : text;
}

/** Rows are found by number where keys are no larger than this many times their count. */
const SPARSEST = 8;

/** What an artifact brought of users or items, in memory that all threads see. */
export interface PackedTable {
  keys: PackedKeys;
  /**
   * Rows by key, for keys that are small whole numbers, as those of most data are: a thousand candidates are found several times
   * as fast as by their hashes. A key beyond its end is looked up among the others.
   */
  byNumber: Int32Array;
  columns: [name: string, column: PackedColumn][];
}

/** @param keys by row, that of row 0 without meaning */
export function packTable(keys: readonly string[], columns: ReadonlyMap<string, RawColumn>): PackedTable {
  const canonical = keys.map((key, row) => (row === 0 ? '' : (canonicalKey(key) ?? '')));
  let largest = -1;
  for (const key of canonical) {
    if (typeof key === 'number' && key > largest && key < SPARSEST * keys.length) largest = key;
  }
  const byNumber = new Int32Array(new SharedArrayBuffer(4 * (largest + 1)));
  canonical.forEach((key, row) => {
    if (typeof key === 'number' && key >= 0 && key <= largest) byNumber[key] = row;
  });
  return {
    keys: packKeys(canonical),
    byNumber,
    columns: Array.from(columns, ([name, column]) => [name, packColumn(column)]),
  };
}

/** Rows that the artifact brought, the unknown one included. */
export function rowsOf({ keys }: PackedTable): number {
  return keys.texts.starts.length - 1;
}

/**
 * Users or items by key, with their raw values. What the artifact brought lies packed; a row that was put at run time keeps the
 * record it was put with. Row 0 is the unknown key and has no values.
 */
export class RawTable {
  private readonly brought: number;
  private readonly columns: ReadonlyMap<string, (row: number) => unknown>;
  private readonly records = new Map<number, RawRecord>();
  /** Keys of the rows behind those the artifact brought, also of those no longer in use. */
  private readonly added: string[] = [];
  /** Rows of the keys that stand for another one than the artifact said; 0 where they are forgotten. */
  private readonly moved = new Map<string | number, number>();
  private known: number;

  constructor(private readonly packed: PackedTable) {
    this.brought = rowsOf(packed);
    this.known = packed.keys.size;
    this.columns = new Map(packed.columns.map(([name, column]) => [name, columnReader(column)]));
  }

  /** @param keys by row, that of row 0 without meaning */
  static of(keys: readonly string[], columns: ReadonlyMap<string, RawColumn>): RawTable {
    return new RawTable(packTable(keys, columns));
  }

  /** Keys that are known. */
  get size(): number {
    return this.known;
  }

  /** Rows in use or not. */
  get rows(): number {
    return this.brought + this.added.length;
  }

  get columnNames(): string[] {
    return [...this.columns.keys()];
  }

  /** The key of a row, also of one that is no longer in use. */
  keyOf(row: number): string {
    return row < this.brought ? String(keyAt(this.packed.keys, row)) : this.added[row - this.brought]!;
  }

  /** The row of a key, 0 where it is not known. */
  rowOf(key: Key): number {
    const { byNumber, keys } = this.packed;
    // Anything but a whole number within its bounds is no place in an array.
    const row = typeof key === 'number' ? byNumber[key] : undefined;
    if (row !== undefined) return row;
    const canonical = canonicalKey(key);
    return canonical === undefined ? 0 : (this.moved.get(canonical) ?? rowOfKey(keys, canonical));
  }

  /** One raw value of a row; undefined where there is none. */
  value(row: number, column: string): unknown {
    const record = this.records.get(row);
    if (record !== undefined) return Object.hasOwn(record, column) ? record[column] : undefined;
    return this.columns.get(column)?.(row);
  }

  /** All raw values of a row. */
  values(row: number): RawRecord {
    const record = this.records.get(row);
    if (record !== undefined) return record;
    const values: RawRecord = {};
    for (const [name, read] of this.columns) {
      const value = read(row);
      if (value !== undefined) values[name] = value;
    }
    return values;
  }

  /** Fills a row, which its key does not find before `point`. */
  write(row: number, key: Key, values: RawRecord): void {
    if (row >= this.brought) this.added[row - this.brought] = String(canonicalKey(key));
    this.records.set(row, values);
  }

  /** Lets a key stand for a row. */
  point(key: Key, row: number): void {
    if (this.rowOf(key) === 0) this.known++;
    this.move(canonicalKey(key)!, row);
  }

  /** Forgets a key; its row keeps key and values until it is used again. @returns the row, 0 where the key was not known */
  remove(key: Key): number {
    const row = this.rowOf(key);
    if (row === 0) return 0;
    this.known--;
    this.move(canonicalKey(key)!, 0);
    return row;
  }

  private move(key: string | number, row: number): void {
    const { byNumber, keys } = this.packed;
    if (row === rowOfKey(keys, key)) this.moved.delete(key);
    else this.moved.set(key, row);
    if (typeof key === 'number' && key >= 0 && key < byNumber.length) byNumber[key] = row;
  }
}
