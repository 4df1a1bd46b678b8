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
      const asked = lookups.map((lookup) => ({ ...lookup, from: askedRows(lookup, feeds) }));
      const total = asked.reduce((sum, { from }) => sum + from.count, 0);
      const all = new Int32Array(total);
      const rows = new Int32Array(Math.min(total, layout.rows));
      let count = 0;
      let at = 0;
      for (const { table, ids, positions, from } of asked) {
        const { data } = from;
        const offset = layout.offsets.get(table)!;
        const start = at;
        from.each((first, end) => {
          for (let i = first; i < end; i++) {
            const row = data[i]! + offset;
            if (stamp[row] !== round) {
              stamp[row] = round;
              position[row] = count;
              rows[count++] = row;
            }
            all[at++] = position[row]!;
          }
        });
        feeds[positions] = { data: all.slice(start, at), shape: from.shape };
        if (typeof ids === 'number') continue;
        eachPadded(this.padding, ids, feeds, (first, end) => {
          const place = from.placeOf(first);
          if (place >= 0) all.fill(NOWHERE, start + place, start + place + end - first);
        });
      }
      const touched = rows.subarray(0, count);
      feeds[touchedRows(bundle)] = { data: touched, shape: [count] };
      feeds[allPositions(bundle)] = { data: all, shape: [total] };
      return { bundle, rows: touched };
    });
  }
}

/** The row numbers that a lookup asks for, one after the other. */
interface Asked {
  data: Feed['data'];
  /** Of what is found, but for its width. */
  shape: number[];
  count: number;
  /** Calls `visit` with every run `[first, end)` of `data` that is asked for, ascending. */
  each(visit: (first: number, end: number) => void): void;
  /** Where a value of `data` stands among those asked for; negative where it does not. */
  placeOf(at: number): number;
}

function askedRows({ ids, lengths }: Lookup, feeds: Feeds): Asked {
  const { data, shape } = typeof ids === 'number' ? everyRow(ids) : feeds[ids]!;
  if (lengths === undefined) {
    return { data, shape, count: data.length, each: (visit) => visit(0, data.length), placeOf: (at) => at };
  }
  const { data: used, shape: lists } = feeds[lengths]!;
  const [positions, ...inner] = shape.slice(lists.length) as [number, ...number[]];
  const each = inner.reduce((a, b) => a * b, 1);
  const size = positions * each;
  // Where the used part of each list begins among those asked for.
  const starts = new Int32Array(used.length + 1);
  for (let list = 0; list < used.length; list++) starts[list + 1] = starts[list]! + Number(used[list]) * each;
  const count = starts[used.length]!;
  return {
    data,
    shape: [count / each, ...inner],
    count,
    each(visit) {
      for (let list = 0; list < used.length; list++) {
        const end = (list + 1) * size;
        visit(end - starts[list + 1]! + starts[list]!, end);
      }
    },
    placeOf(at) {
      const list = Math.floor(at / size);
      const place = at - (list + 1) * size + starts[list + 1]!;
      return place >= starts[list]! ? place : -1;
    },
  };
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
