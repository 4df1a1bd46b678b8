import type { Database } from '../database.js';
import { literal } from '../fields/sql.js';

/** A column of a table that is written row by row; NaN becomes NULL. */
export interface WrittenColumn {
  name: string;
  type: 'INTEGER' | 'FLOAT' | 'VARCHAR';
  /** Values of a row: more than one is written as an array of that length. */
  width?: number;
  value: (row: number, at: number) => number | string;
}

/** Writes a table as Parquet. */
export async function writeTable(
  db: Database,
  file: string,
  rows: number,
  columns: readonly WrittenColumn[],
): Promise<void> {
  const flat = columns.flatMap(({ width = 1, name, ...column }) =>
    Array.from({ length: width }, (_, at) => ({ ...column, at, name: width === 1 ? name : `${name}_${at}` })),
  );
  await db.run(`CREATE TABLE written (${flat.map(({ name, type }) => `${name} ${type}`).join(', ')})`);
  const table = await db.appender('written');
  for (let row = 0; row < rows; row++) {
    for (const { type, value, at } of flat) {
      const one = value(row, at);
      if (type === 'VARCHAR') table.appendVarchar(one as string);
      else if (type === 'INTEGER') table.appendInteger(one as number);
      else table.appendFloat(one as number);
    }
    table.endRow();
  }
  table.closeSync();
  const select = columns.map(({ name, width = 1, type }) => {
    if (width === 1) return name;
    return `[${Array.from({ length: width }, (_, at) => `${name}_${at}`).join(', ')}]::${type}[${width}] AS ${name}`;
  });
  await copyTable(db, `SELECT ${select.join(', ')} FROM written`, file);
  await db.run('DROP TABLE written');
}

/** Writes what a query gives, in its order. */
export function copyTable(db: Database, query: string, file: string): Promise<void> {
  return db.run(`COPY (${query}) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`);
}
