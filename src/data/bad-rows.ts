import { type ErrorCode, TwoTowerError } from '../errors.js';

/** One unusable row. */
export interface BadRow {
  file: string;
  /** Such as `row 5 (line 6)`. */
  place: string;
  column?: string;
  /** The whole sentence after file, place and column, beginning with the value. */
  says: string;
  remedy: string;
  code: ErrorCode;
}

/** Counts the rows that are skipped, and stops the load at the first one beyond what is allowed. */
export class BadRows {
  count = 0;
  readonly examples: string[] = [];

  constructor(private readonly allowed: number) {}

  /**
   * @param total bad rows found together; `first` is the earliest of them
   * @throws the error of `first` when more than the allowed number are bad
   */
  add(total: number, first: BadRow): void {
    if (total === 0) return;
    this.count += total;
    const column = first.column === undefined ? '' : `, column "${first.column}"`;
    const message = `${first.file}, ${first.place}${column}: ${first.says}`;
    if (this.count > this.allowed) {
      const tally = this.allowed > 0 ? ` (${this.count} bad rows so far, ${this.allowed} allowed)` : '';
      throw new TwoTowerError(first.code, message + tally, `${first.remedy} Or skip bad rows with maxBadRows.`);
    }
    this.examples.push(message);
  }
}
