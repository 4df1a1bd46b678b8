import { type Database, doubles, eachList, integers } from './database.js';
import type { EncodedColumn } from './dataset.js';
import type { NumberKind } from './fields/kind.js';
import { rowSql } from './stage.js';
import type { StagedField } from './tables.js';
import { type Fitted, vocabularyOf } from './vocabulary.js';

/** Reads one column of a result into typed arrays. */
export interface Reader {
  sql: string;
  /** Takes `count` values of a chunk, for rows from `start` on. */
  take(chunk: Chunk, column: number, start: number): void;
}

type Chunk = Awaited<ReturnType<Database['stream']>> extends AsyncGenerator<infer C> ? C : never;

/** Streams the readers' columns of a table in the order of its rows. `offset` is the first row to write. */
export async function readInto(
  db: Database,
  readers: Reader[],
  from: string,
  offset: number,
  onRows?: (rows: number) => void,
): Promise<void> {
  if (readers.length === 0) return;
  let start = offset;
  for await (const chunk of db.stream(`SELECT ${readers.map((reader) => reader.sql).join(', ')} FROM ${from}`)) {
    readers.forEach((reader, column) => {
      reader.take(chunk, column, start);
    });
    start += chunk.rowCount;
    onRows?.(start - offset);
  }
}

/** INTEGER without NULLs. */
export function integerReader(sql: string, into: Int32Array): Reader {
  return { sql, take: (chunk, column, start) => into.set(integers(chunk.getColumnVector(column)), start) };
}

/** DOUBLE without NULLs. */
export function doubleReader(sql: string, into: Float64Array | Float32Array): Reader {
  return { sql, take: (chunk, column, start) => into.set(doubles(chunk.getColumnVector(column)), start) };
}

/** An empty column of a field, and the reader that fills it. */
export function fieldReader(
  staged: StagedField,
  index: number,
  fitted: Fitted,
  count: number,
): { column: EncodedColumn; reader: Reader } {
  const { kind, column: sql } = staged;
  const { state } = fitted.states[index]!;
  if (kind.input === 'number') return numberReader(kind, state, sql, count);
  const type = fitted.types.get(vocabularyOf(staged))!;
  if (kind.input === 'text') {
    const rows = new Int32Array(count);
    return { column: { encoding: 'id', rows }, reader: integerReader(rowSql(sql, type), rows) };
  }
  const feature = kind.feature(staged.field, state, () => 1);
  const maxLength = feature.encoding === 'ids' ? feature.maxLength : 1;
  const rows = new Int32Array(count * maxLength);
  const lengths = new Int32Array(count);
  const list = `list_slice(coalesce(${sql}, []::VARCHAR[]), 1, ${maxLength})`;
  return {
    column: { encoding: 'ids', rows, lengths, maxLength },
    reader: {
      sql: `list_transform(${list}, lambda x: ${rowSql('x', type)})`,
      take(chunk, column, start) {
        eachList(chunk.getColumnVector(column), chunk.rowCount, (row, values, from, to) => {
          rows.set(values.subarray(from, to), (start + row) * maxLength);
          lengths[start + row] = to - from;
        });
      },
    },
  };
}

function numberReader(kind: NumberKind<unknown, unknown>, state: unknown, sql: string, count: number) {
  const column = kind.allocate(count, state);
  const reader: Reader = {
    sql: `coalesce(${sql}, 'nan'::DOUBLE)`,
    take(chunk, at, start) {
      const values = doubles(chunk.getColumnVector(at));
      for (let i = 0; i < values.length; i++) kind.encode(values[i]!, state, column, start + i);
    },
  };
  return { column, reader };
}
