import type { RowChange, Search } from './messages.js';

/** Which rows a search may find. */
export interface RowFilter {
  allowed: (row: number) => boolean;
  /** So many rows at most are not allowed. */
  refused: number;
}

/** Which rows of a catalogue are items, as the thread that searches keeps it. */
export class LivingRows {
  /** Whether a row is an item, by row. */
  private alive: Uint8Array;
  private living = 0;
  /** The search that excludes a row, by row. */
  private excludedBy: Uint32Array;
  private searches = 0;

  constructor(
    /** Items or not. */
    public rows: number,
    alive: Uint8Array,
  ) {
    this.alive = alive.slice();
    for (const one of alive) this.living += one;
    this.excludedBy = new Uint32Array(alive.length);
  }

  change({ rows, on, off }: RowChange): void {
    if (rows > this.alive.length) {
      const alive = new Uint8Array(2 * rows);
      alive.set(this.alive);
      this.alive = alive;
      this.excludedBy = new Uint32Array(2 * rows);
    }
    this.rows = rows;
    for (const row of off) this.set(row, 0);
    for (const row of on) this.set(row, 1);
  }

  /** Holds until the next is asked for. */
  filter({ allow, exclude }: Search): RowFilter {
    this.searches = (this.searches + 1) >>> 0 || 1;
    const { searches, alive, excludedBy } = this;
    for (const row of exclude) excludedBy[row] = searches;
    const isFree = (row: number) => alive[row] === 1 && excludedBy[row] !== searches;
    if (allow === undefined) return { allowed: isFree, refused: this.rows - this.living + exclude.length };
    return { allowed: (row) => isFree(row) && allow[row] === 1, refused: this.rows };
  }

  private set(row: number, alive: 0 | 1): void {
    this.living += alive - this.alive[row]!;
    this.alive[row] = alive;
  }
}
