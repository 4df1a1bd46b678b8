import type { QueryFilter, RowFilter } from './retrieval-index.js';
import type { VectorTable } from './vectors.js';

/** A filter over the present rows of an index. */
export interface RowTest {
  /** Whether a row may be returned; undefined when every row may. */
  test: ((row: number) => boolean) | undefined;
  /** Whether the test is about more than presence: a graph holds none but present rows. */
  narrows: boolean;
  /** At most so many present rows can be returned. */
  bound: number;
  /** The allowed rows, where they are known without asking every row. */
  mask: Uint8Array | undefined;
}

/** Makes tests out of filters; a mask that serves many queries is counted once. */
export function rowTests(table: VectorTable, filter: QueryFilter = {}): (query: number) => RowTest {
  const bounds = new Map<Uint8Array, number>();
  const make = (one: RowFilter = {}) => rowTest(table, one, bounds);
  if (typeof filter === 'function') return (query) => make(filter(query));
  const shared = make(filter);
  return () => shared;
}

function rowTest(table: VectorTable, { allow, exclude }: RowFilter, bounds: Map<Uint8Array, number>): RowTest {
  const { present, rows, count } = table;
  const excluded = exclude === undefined ? undefined : exclude instanceof Set ? exclude : new Set(exclude);
  const isLeft = excluded === undefined || excluded.size === 0 ? undefined : (row: number) => !excluded.has(row);
  if (allow instanceof Uint8Array) {
    if (allow.length !== rows) {
      throw new RangeError(`index: the mask of allowed rows has ${allow.length} entries for ${rows} rows`);
    }
    let bound = bounds.get(allow);
    if (bound === undefined) {
      bound = 0;
      for (let row = 0; row < rows; row++) if (allow[row] !== 0 && present[row] === 1) bound++;
      bounds.set(allow, bound);
    }
    const isAllowed = (row: number) => present[row] === 1 && allow[row] !== 0;
    return { test: both(isAllowed, isLeft), narrows: true, bound, mask: allow };
  }
  const isPresent = count === rows ? undefined : (row: number) => present[row] === 1;
  const narrows = allow !== undefined || isLeft !== undefined;
  return { test: both(both(isPresent, allow), isLeft), narrows, bound: count, mask: undefined };
}

type Question = ((row: number) => boolean) | undefined;

function both(first: Question, second: Question): Question {
  if (first === undefined || second === undefined) return first ?? second;
  return (row) => first(row) && second(row);
}
