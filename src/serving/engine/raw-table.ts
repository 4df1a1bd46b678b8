import type { RawRecord } from '../../data/featurizer.js';
import { canonicalText } from '../../data/fields/kind.js';
import type { Key } from '../contract.js';

/** One raw column of every row the artifact brought: numbers (NaN where there is none), texts or lists of texts. */
export type RawColumn = Float64Array | (string | null)[] | ((string | null)[] | null)[];

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

/**
 * Users or items by key, with their raw values. What the artifact brought lies in columns; a row that was put at run time keeps
 * the record it was put with. Row 0 is the unknown key and has no values.
 */
export class RawTable {
  private readonly rows = new Map<string | number, number>();
  /**
   * Rows by key, for keys that are small whole numbers, as those of most data are: a thousand candidates are found several times
   * as fast as in a map of a million. A key beyond its end is looked up in the map.
   */
  private readonly byNumber: Int32Array;
  private readonly records = new Map<number, RawRecord>();
  /** Key of every row, also of those no longer in use. */
  readonly keys: string[];

  constructor(
    keys: string[],
    private readonly columns: ReadonlyMap<string, RawColumn>,
  ) {
    this.keys = keys;
    let largest = -1;
    for (let row = 1; row < keys.length; row++) {
      const key = canonicalKey(keys[row])!;
      this.rows.set(key, row);
      if (typeof key === 'number' && key > largest && key < SPARSEST * keys.length) largest = key;
    }
    this.byNumber = new Int32Array(largest + 1);
    for (const [key, row] of this.rows) this.note(key, row);
  }

  /** Keys that are known. */
  get size(): number {
    return this.rows.size;
  }

  get columnNames(): string[] {
    return [...this.columns.keys()];
  }

  /** The row of a key, 0 where it is not known. */
  rowOf(key: Key): number {
    // Anything but a whole number within its bounds is no place in an array.
    const row = typeof key === 'number' ? this.byNumber[key] : undefined;
    if (row !== undefined) return row;
    const canonical = canonicalKey(key);
    return canonical === undefined ? 0 : (this.rows.get(canonical) ?? 0);
  }

  /** One raw value of a row; undefined where there is none. */
  value(row: number, column: string): unknown {
    const record = this.records.get(row);
    if (record !== undefined) return Object.hasOwn(record, column) ? record[column] : undefined;
    const value = this.columns.get(column)?.[row];
    return value === null || Number.isNaN(value) ? undefined : value;
  }

  /** All raw values of a row. */
  values(row: number): RawRecord {
    const record = this.records.get(row);
    if (record !== undefined) return record;
    const values: RawRecord = {};
    for (const [name, column] of this.columns) {
      const value = column[row];
      if (value !== null && value !== undefined && !Number.isNaN(value)) values[name] = value;
    }
    return values;
  }

  /** Fills a row, which its key does not find before `point`. */
  write(row: number, key: Key, values: RawRecord): void {
    this.keys[row] = String(canonicalKey(key));
    this.records.set(row, values);
  }

  /** Lets a key stand for a row. */
  point(key: Key, row: number): void {
    const canonical = canonicalKey(key)!;
    this.rows.set(canonical, row);
    this.note(canonical, row);
  }

  /** Forgets a key; its row keeps key and values until it is used again. @returns the row, 0 where the key was not known */
  remove(key: Key): number {
    const row = this.rowOf(key);
    if (row === 0) return 0;
    const canonical = canonicalKey(key)!;
    this.rows.delete(canonical);
    this.note(canonical, 0);
    return row;
  }

  private note(key: string | number, row: number): void {
    if (typeof key === 'number' && key >= 0 && key < this.byNumber.length) this.byNumber[key] = row;
  }
}
