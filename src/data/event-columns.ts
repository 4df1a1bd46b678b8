import type { Feature } from '../schema.js';
import type { EncodedColumn, EventTable } from './dataset.js';
import { eventStages, type StageLevels } from './levels.js';
import { Reorder, stableOrder } from './sort.js';

/** Encoded events in the order in which they were read, before {@link finishEvents}. */
export interface EventColumns {
  user: Int32Array;
  item: Int32Array;
  /** Seconds since 1970. */
  time: Float64Array;
  /** What the split cuts, where that is not the time. */
  cut?: Float64Array | undefined;
  /** Request numbers as the log has them. */
  request?: Float64Array | undefined;
  /** The stage that a column names. */
  logged?: Int32Array | undefined;
  feedback: Map<string, Float32Array>;
  scores: Map<string, Float32Array>;
  context: Map<string, EncodedColumn>;
}

/** Which columns events have. */
export interface EventLayout {
  cut: boolean;
  request: boolean;
  logged: boolean;
  feedback: string[];
  scores: string[];
  context: Feature[];
}

/** Room for so many events. */
export function emptyColumns(layout: EventLayout, count: number): EventColumns {
  const numbers = (names: string[]) => new Map(names.map((name) => [name, new Float32Array(count)]));
  return {
    user: new Int32Array(count),
    item: new Int32Array(count),
    time: new Float64Array(count),
    cut: layout.cut ? new Float64Array(count) : undefined,
    request: layout.request ? new Float64Array(count) : undefined,
    logged: layout.logged ? new Int32Array(count) : undefined,
    feedback: numbers(layout.feedback),
    scores: numbers(layout.scores),
    context: new Map(layout.context.map((feature) => [feature.name, emptyColumn(feature, count)])),
  };
}

function emptyColumn(feature: Feature, count: number): EncodedColumn {
  switch (feature.encoding) {
    case 'id':
      return { encoding: 'id', rows: new Int32Array(count) };
    case 'ids': {
      const { encoding, maxLength } = feature;
      return { encoding, maxLength, rows: new Int32Array(count * maxLength), lengths: new Int32Array(count) };
    }
    case 'numbers':
      return { encoding: 'numbers', values: new Float32Array(count * feature.width), width: feature.width };
  }
}

/** All arrays of some columns, and how many values of each an event has; in the same order for columns of one layout. */
export function arraysOf({ user, item, time, cut, request, logged, feedback, scores, context }: EventColumns) {
  const single = [user, item, time, cut, request, logged, ...feedback.values(), ...scores.values()];
  return [
    ...single.filter((values) => values !== undefined).map((values) => ({ values, width: 1 })),
    ...[...context.values()].flatMap(arraysOfColumn),
  ];
}

function arraysOfColumn(column: EncodedColumn): { values: Int32Array | Float32Array; width: number }[] {
  if (column.encoding === 'numbers') return [{ values: column.values, width: column.width }];
  if (column.encoding === 'id') return [{ values: column.rows, width: 1 }];
  return [
    { values: column.rows, width: column.maxLength },
    { values: column.lengths, width: 1 },
  ];
}

/** Puts the rows of all columns into another order, in place. @param order rows as they are now; those beyond it stay */
export function reorderColumns(columns: EventColumns, order: Uint32Array): void {
  const reorder = new Reorder(order);
  for (const { values, width } of arraysOf(columns)) reorder.rows(values, width);
}

/** The table of some events: in time order, ties as they were read. `keys` are what the split cuts. */
export function finishEvents(columns: EventColumns, levels: StageLevels): { events: EventTable; keys: Float64Array } {
  const { user, item, time, cut, logged, feedback, scores, context } = columns;
  const count = user.length;
  const order = stableOrder(time);
  if (order !== undefined) reorderColumns(columns, order);
  const stage = eventStages(levels, feedback, count, logged);
  const events: EventTable = { count, user, item, time, feedback, stage, context: { count, columns: context } };
  if (scores.size > 0) events.scores = scores;
  if (columns.request !== undefined) events.request = renumber(columns.request);
  return { events, keys: cut ?? time };
}

/** Request numbers of the log may exceed 32 bits: they are renumbered as they first appear. */
function renumber(ids: Float64Array): Int32Array {
  const numbers = new Int32Array(ids.length);
  const seen = new Map<number, number>();
  for (let i = 0; i < ids.length; i++) {
    let number = seen.get(ids[i]!);
    if (number === undefined) {
      number = seen.size;
      seen.set(ids[i]!, number);
    }
    numbers[i] = number;
  }
  return numbers;
}
