import type { Dataset, EncodedColumn, EntityTable } from './dataset.js';
import type { SampleTable } from './samples.js';
import type { TeacherVectors } from './teacher-vectors.js';

type Numbers = Int32Array | Uint32Array | Uint8Array | Float32Array | Float64Array;

/**
 * Moves the arrays that batches are made of into memory that worker threads see without a copy. The dataset's contents stay
 * the same; one array at a time is held twice.
 */
export function shareDataset(dataset: Dataset): void {
  const { users, items, events, histories, splits } = dataset;
  for (const table of [users, items, events.context]) shareTable(table);
  events.user = shared(events.user);
  events.item = shared(events.item);
  events.time = shared(events.time);
  if (events.request !== undefined) events.request = shared(events.request);
  events.stage = shared(events.stage);
  for (const [name, column] of events.feedback) events.feedback.set(name, shared(column));
  for (const [name, column] of events.scores ?? []) events.scores!.set(name, shared(column));
  for (const history of histories) {
    history.offsets = shared(history.offsets);
    history.item = shared(history.item);
    history.time = shared(history.time);
  }
  for (const split of ['train', 'validation', 'test'] as const) splits[split] = shared(splits[split]);
}

/** As `shareDataset`, for a table of samples; returns the table whose arrays are shared. */
export function shareSamples(samples: SampleTable): SampleTable {
  const { event, item, label, stage, logged, teacher, offsets } = samples;
  return {
    event: shared(event),
    item: shared(item),
    label: shared(label),
    stage: shared(stage),
    logged: shared(logged),
    ...(teacher && { teacher: shared(teacher) }),
    offsets: shared(offsets),
  };
}

/** The same for a teacher's vectors. */
export function shareVectors(vectors: TeacherVectors): TeacherVectors {
  return Object.fromEntries(
    Object.entries(vectors).map(([side, { width, values, rowOf }]) => [
      side,
      { width, values: shared(values), rowOf: shared(rowOf) },
    ]),
  );
}

/** The dataset without what is only for people and for serving, small enough to be sent to a worker. */
export function withoutNames(dataset: Dataset): Dataset {
  const nameless = { keys: [], display: new Map() };
  return {
    ...dataset,
    users: { ...dataset.users, ...nameless },
    items: { ...dataset.items, ...nameless },
    encoders: { version: 1, fields: [], vocabularies: {} },
  };
}

function shareTable(table: EntityTable): void {
  for (const [name, column] of table.columns) table.columns.set(name, shareColumn(column));
}

function shareColumn(column: EncodedColumn): EncodedColumn {
  switch (column.encoding) {
    case 'id':
      return { ...column, rows: shared(column.rows) };
    case 'ids':
      return { ...column, rows: shared(column.rows), lengths: shared(column.lengths) };
    case 'numbers':
      return { ...column, values: shared(column.values) };
  }
}

/** A copy in shared memory, unless the array lies there. */
export function shared<T extends Numbers>(array: T): T {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  const Type = array.constructor as new (buffer: SharedArrayBuffer) => T;
  const copy = new Type(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}
