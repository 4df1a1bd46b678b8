import { DuckDBInstance, type DuckDBListValue, DuckDBTypeId } from '@duckdb/node-api';
import { identifier, literal } from '../data/fields/sql.js';
import type { Entity, LoadContext, StagedField } from '../data/tables.js';
import type { RawColumn } from './engine/packed-column.js';
import { type PackedTable, packTable } from './engine/raw-table.js';

/** The first column of the file; raw columns follow under their own names. */
const KEY = '$key';
/** Where fields read one column in several ways, the way that keeps most of it. */
const RICHEST = ['texts', 'text', 'number'];

/** Writes the staged users or items as Parquet: keys and raw columns, in the order of their rows. */
export async function writeTable({ db, config, fields }: LoadContext, entity: Entity, file: string): Promise<void> {
  const columns = new Map<string, StagedField>();
  for (const staged of fields) {
    if (staged.field.owner !== entity) continue;
    const known = columns.get(staged.field.column);
    const isRicher = RICHEST.indexOf(staged.kind.input) < RICHEST.indexOf(known?.kind.input ?? 'number');
    if (known === undefined || isRicher) columns.set(staged.field.column, staged);
  }
  const select = [`key AS ${identifier(KEY)}`];
  for (const [name, { column }] of columns) select.push(`${identifier(column)} AS ${identifier(name)}`);
  config.tables[`${entity}s`]?.display.forEach((name, i) => {
    if (!columns.has(name)) select.push(`display${i} AS ${identifier(name)}`);
  });
  await db.run(
    `COPY (SELECT ${select.join(', ')} FROM ${entity}s ORDER BY rowid) TO ${literal(file)} (FORMAT parquet)`,
  );
}

/** Reads what `writeTable` wrote. Row 0 is the unknown key. */
export async function readTable(file: string): Promise<PackedTable> {
  // More threads would take the processors from the requests that are answered meanwhile.
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const total = (
      await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM read_parquet(${literal(file)})`)
    ).getRows();
    const count = (total[0]![0] as number) + 1;
    const result = await connection.stream(`SELECT * FROM read_parquet(${literal(file)})`);
    const names = result.columnNames();
    const columns = result.columnTypes().map(({ typeId }) => emptyColumn(typeId, count));
    // The same text over and over is kept once; keys, the first column, are all different.
    const texts = names.map((_, at) => (at === 0 ? undefined : new Map<string, string>()));
    let row = 1;
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      columns.forEach((column, at) => {
        const values = chunk.getColumnValues(at);
        // What is not there is NaN or null already.
        for (let i = 0; i < values.length; i++) if (values[i] !== null) column[row + i] = plain(values[i], texts[at]);
      });
      row += chunk.rowCount;
    }
    const [keys, ...others] = columns;
    keys![0] = '';
    return packTable(keys as string[], new Map(others.map((column, i) => [names[i + 1]!, column])));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function emptyColumn(type: DuckDBTypeId, count: number): RawColumn {
  return type === DuckDBTypeId.DOUBLE ? new Float64Array(count).fill(Number.NaN) : new Array(count).fill(null);
}

function plain(value: unknown, texts: Map<string, string> | undefined): never {
  const kept = (text: string) => {
    if (texts === undefined) return text;
    const known = texts.get(text);
    if (known === undefined) texts.set(text, text);
    return known ?? text;
  };
  if (typeof value === 'string') return kept(value) as never;
  if (typeof value === 'object')
    return (value as DuckDBListValue).items.map((one) => (one === null ? null : kept(one as string))) as never;
  return value as never;
}
