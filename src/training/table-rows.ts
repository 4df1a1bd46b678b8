import { type Lookup, touchedRows } from '../graph/index.js';
import type { Feeds } from '../schema.js';
import type { Table } from './parameter-store.js';

/** The rows of one table that a batch looks up. */
export interface Touched {
  table: string;
  /** Distinct rows in the order in which they are first met. */
  rows: Int32Array;
}

/**
 * Translates row numbers of whole tables to positions among the rows a batch touches, each row once, so that gradients are
 * computed, summed and applied for those alone.
 */
export class RowTracker {
  private readonly seen = new Map<string, { stamp: Int32Array; position: Int32Array; round: number }>();
  private readonly byTable = new Map<string, Lookup[]>();

  constructor(lookups: readonly Lookup[], store: { tables: ReadonlyMap<string, { rows: number }> }) {
    for (const lookup of lookups) this.byTable.set(lookup.table, [...(this.byTable.get(lookup.table) ?? []), lookup]);
    for (const table of this.byTable.keys()) {
      const { rows } = store.tables.get(table)!;
      this.seen.set(table, { stamp: new Int32Array(rows), position: new Int32Array(rows), round: 0 });
    }
  }

  /** Adds the feeds `TABLE#touched` and each lookup's positions; returns what was touched. */
  track(feeds: Feeds): Touched[] {
    const result: Touched[] = [];
    for (const [table, lookups] of this.byTable) {
      const known = this.seen.get(table)!;
      const { stamp, position } = known;
      const round = ++known.round;
      const total = lookups.reduce((sum, { ids }) => sum + feeds[ids]!.data.length, 0);
      const rows = new Int32Array(Math.min(total, stamp.length));
      let count = 0;
      for (const { ids, positions } of lookups) {
        const { data, shape } = feeds[ids]!;
        const places = new Int32Array(data.length);
        for (let i = 0; i < data.length; i++) {
          const row = data[i]!;
          if (stamp[row] !== round) {
            stamp[row] = round;
            position[row] = count;
            rows[count++] = row;
          }
          places[i] = position[row]!;
        }
        feeds[positions] = { data: places, shape };
      }
      const touched = rows.subarray(0, count);
      feeds[touchedRows(table)] = { data: touched, shape: [count] };
      result.push({ table, rows: touched });
    }
    return result;
  }
}

/** Writes new rows back into a table's array: `update` is [rows.length, width]. */
export function writeRows(target: Float32Array, width: Table['width'], rows: Int32Array, update: Float32Array): void {
  let from = 0;
  for (let i = 0; i < rows.length; i++) {
    let to = rows[i]! * width;
    for (const end = from + width; from < end; from++) target[to++] = update[from]!;
  }
}
