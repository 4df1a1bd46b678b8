import { z } from 'zod';
import type { Field, NumberKind, TimeUnit } from './kind.js';
import { secondsFromRaw, secondsOf } from './sql.js';

const options = z.strictObject({});
type Options = z.output<typeof options>;

interface State {
  unit: TimeUnit;
  utcOffset: number;
  /** The parts of the cycle that occurred in training; any other is unknown. */
  trained: number[];
}

/** The hour of the event's time, 0 to 23, at the description's `time.utcOffset`. */
export const hourOfDay = cycle((seconds) => Math.floor(seconds / 3600), 24);

/** The day of the week of the event's time, Monday = 0 to Sunday = 6. 1 January 1970 was a Thursday. */
export const weekday = cycle((seconds) => Math.floor(seconds / 86400) + 3, 7);

/** A kind that reads the time column and keeps where in a cycle of `parts` it stands. */
function cycle(part: (localSeconds: number) => number, parts: number): NumberKind<Options, State> {
  const rowOf = (seconds: number, state: Omit<State, 'trained'>): number => {
    if (!Number.isFinite(seconds)) return 0;
    const position = part(seconds + state.utcOffset * 3600) % parts;
    return ((position + parts) % parts) + 1;
  };
  const encode = (seconds: number, state: State) => {
    const row = rowOf(seconds, state);
    return state.trained.includes(row - 1) ? row : 0;
  };
  return {
    input: 'number',
    options,
    usualColumn: (time) => time.column,
    columns: (field) => [field.column],
    source: (field: Field<Options>, [column]) => ({ sql: secondsOf(column!, field.time.unit), checks: [] }),
    async fit({ time: { unit, utcOffset } }, statistics) {
      const seen = new Set<number>();
      for await (const { values } of statistics.chunks()) {
        for (const value of values) seen.add(rowOf(value, { unit, utcOffset }) - 1);
      }
      seen.delete(-1);
      return { unit, utcOffset, trained: [...seen].sort((a, b) => a - b) };
    },
    feature: ({ name, owner }) => ({ name, owner, encoding: 'id', vocabulary: `${owner}.${name}`, size: parts + 1 }),
    encodeRaw: (value, state) => [encode(secondsFromRaw(value, state.unit), state)],
    allocate: (count) => ({ encoding: 'id', rows: new Int32Array(count) }),
    encode(value, state, column, index) {
      if (column.encoding === 'id') column.rows[index] = encode(value, state);
    },
  };
}
