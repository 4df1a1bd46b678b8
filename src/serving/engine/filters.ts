import { canonicalNumber, canonicalText } from '../../data/fields/kind.js';
import { didYouMean, TwoTowerError } from '../../errors.js';
import type { FieldPredicate } from '../contract.js';
import type { RawTable } from './raw-table.js';

/** Different conditions that are kept worked out. */
const KEPT = 32;

/** Which rows hold some conditions, by row, in memory that workers see. */
export interface RowMask {
  allow: Uint8Array;
  /** Rows that hold them. */
  count: number;
}

interface KeptMask extends RowMask {
  holds: (row: number) => boolean;
}

/** Works out conditions on the items' columns once for all rows, and keeps the answer true as rows change. */
export class Filters {
  private readonly kept = new Map<string, KeptMask>();

  constructor(
    private readonly table: RawTable,
    /** Rows there is room for. */
    private readonly capacity: () => number,
    private readonly isItem: (row: number) => boolean,
  ) {}

  /** @throws USAGE where a condition names no column */
  mask(where: readonly FieldPredicate[]): RowMask {
    const name = JSON.stringify(where);
    const known = this.kept.get(name);
    if (known !== undefined) {
      this.kept.delete(name);
      this.kept.set(name, known);
      return known;
    }
    const tests = where.map((one) => testOf(one, this.table));
    const holds = (row: number) => tests.every((test) => test(row));
    const allow = new Uint8Array(new SharedArrayBuffer(this.capacity()));
    let count = 0;
    for (let row = 1; row < this.table.rows; row++) {
      if (!this.isItem(row) || !holds(row)) continue;
      allow[row] = 1;
      count++;
    }
    const mask = { allow, count, holds };
    this.kept.set(name, mask);
    const [oldest] = this.kept.keys();
    if (this.kept.size > KEPT) this.kept.delete(oldest!);
    return mask;
  }

  /** To be told before a row becomes an item, or ceases to be one. */
  changed(row: number, isItem: boolean): void {
    for (const mask of this.kept.values()) {
      const value = isItem && mask.holds(row) ? 1 : 0;
      mask.count += value - mask.allow[row]!;
      mask.allow[row] = value;
    }
  }

  /** To be called when there is room for more rows. */
  forget(): void {
    this.kept.clear();
  }
}

function testOf(condition: FieldPredicate, table: RawTable): (row: number) => boolean {
  const { field, equals, notIn, atLeast, atMost, above, below, exists } = condition;
  if (!table.columnNames.includes(field)) {
    throw new TwoTowerError(
      'USAGE',
      `filter.where: items have no column "${field}"`,
      didYouMean(field, table.columnNames),
    );
  }
  const texts = (values: readonly unknown[]) => new Set(values.map(canonicalText));
  const wanted = equals === undefined ? condition.in && texts(condition.in) : texts([equals]);
  const both = equals !== undefined && condition.in !== undefined ? texts(condition.in) : undefined;
  const refused = notIn && texts(notIn);
  const bounded = [atLeast, atMost, above, below].some((bound) => bound !== undefined);
  return (row) => {
    const value = table.value(row, field);
    const isThere = value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
    if (exists !== undefined && exists !== isThere) return false;
    if (!isThere) return exists === false;
    const own = (Array.isArray(value) ? value : [value]).map(canonicalText);
    if (wanted !== undefined && !own.some((one) => wanted.has(one))) return false;
    if (both !== undefined && !own.some((one) => both.has(one))) return false;
    if (refused !== undefined && own.some((one) => refused.has(one))) return false;
    if (!bounded) return true;
    const number = canonicalNumber(Array.isArray(value) ? value[0] : value);
    return (
      number >= (atLeast ?? Number.NEGATIVE_INFINITY) &&
      number <= (atMost ?? Number.POSITIVE_INFINITY) &&
      (above === undefined || number > above) &&
      (below === undefined || number < below)
    );
  };
}
