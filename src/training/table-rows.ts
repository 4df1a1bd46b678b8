import { allPositions, type Lookup, NOWHERE, touchedRows } from '../graph/index.js';
import type { Feed, Feeds } from '../schema.js';
import { eachPadded, type Padding } from './padding.js';
import type { Table } from './parameter-store.js';

/** Where the tables of a bundle begin in it, and how many rows they have together. */
export interface BundleLayout {
  rows: number;
  offsets: ReadonlyMap<string, number>;
}

/** The rows of one bundle of tables that a batch looks up. */
export interface Touched {
  bundle: string;
  /** Distinct rows in the order in which they are first met. */
  rows: Int32Array;
}

/**
 * Translates row numbers of whole tables to positions among the rows a batch touches, each row once, so that gradients are
 * computed, summed and applied for those alone.
 */
export class RowTracker {
  private readonly bundles: { bundle: string; lookups: Lookup[]; layout: BundleLayout; seen: Seen }[];

  /** @param padding positions of id feeds that no gradient comes from */
  constructor(
    lookups: readonly Lookup[],
    layouts: ReadonlyMap<string, BundleLayout>,
    private readonly padding: Padding = new Map(),
  ) {
    this.bundles = [...new Set(lookups.map(({ bundle }) => bundle))].map((bundle) => {
      const layout = layouts.get(bundle)!;
      return {
        bundle,
        lookups: lookups.filter((lookup) => lookup.bundle === bundle),
        layout,
        seen: { stamp: new Int32Array(layout.rows), position: new Int32Array(layout.rows), round: 0 },
      };
    });
  }

  /**
   * Adds the feeds `BUNDLE#touched` and each lookup's positions, and `BUNDLE#positions`: those of all lookups, but NOWHERE at
   * padding. Returns what was touched.
   */
  track(feeds: Feeds): Touched[] {
    return this.bundles.map(({ bundle, lookups, layout, seen }) => {
      const { stamp, position } = seen;
      const round = ++seen.round;
      const rowsOf = (ids: Lookup['ids']) => (typeof ids === 'number' ? everyRow(ids) : feeds[ids]!);
      const total = lookups.reduce((sum, { ids }) => sum + rowsOf(ids).data.length, 0);
      const all = new Int32Array(total);
      const rows = new Int32Array(Math.min(total, layout.rows));
      let count = 0;
      let at = 0;
      for (const { table, ids, positions } of lookups) {
        const { data, shape } = rowsOf(ids);
        const offset = layout.offsets.get(table)!;
        const from = at;
        for (let i = 0; i < data.length; i++) {
          const row = data[i]! + offset;
          if (stamp[row] !== round) {
            stamp[row] = round;
            position[row] = count;
            rows[count++] = row;
          }
          all[at++] = position[row]!;
        }
        feeds[positions] = { data: all.slice(from, at), shape };
        if (typeof ids === 'number') continue;
        eachPadded(this.padding, ids, feeds, (first, end) => all.fill(NOWHERE, from + first, from + end));
      }
      const touched = rows.subarray(0, count);
      feeds[touchedRows(bundle)] = { data: touched, shape: [count] };
      feeds[allPositions(bundle)] = { data: all, shape: [total] };
      return { bundle, rows: touched };
    });
  }
}

/** As a feed that asks for all rows of a table. */
function everyRow(rows: number): Feed {
  return { data: Int32Array.from({ length: rows }, (_, row) => row), shape: [rows] };
}

/** Which rows were met in the current round, and where they were put. */
interface Seen {
  stamp: Int32Array;
  position: Int32Array;
  round: number;
}

/** Writes new rows back into a table's array: `update` is [rows.length, width]. */
export function writeRows(target: Float32Array, width: Table['width'], rows: Int32Array, update: Float32Array): void {
  let from = 0;
  for (let i = 0; i < rows.length; i++) {
    let to = rows[i]! * width;
    for (const end = from + width; from < end; from++) target[to++] = update[from]!;
  }
}
