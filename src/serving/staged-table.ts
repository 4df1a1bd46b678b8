import type { DuckDBListValue } from '@duckdb/node-api';
import { identifier } from '../data/fields/sql.js';
import type { Entity, LoadContext, StagedField } from '../data/tables.js';
import type { RawColumn } from './engine/packed-column.js';
import { type PackedTable, packTable } from './engine/raw-table.js';

/** Where fields read one column in several ways, the way that keeps most of it. */
const RICHEST = ['texts', 'text', 'number'];

/** The staged users or items: keys and raw columns, under the names they have in the data. Row 0 is the unknown key. */
export async function stagedTable({ db, config, fields }: LoadContext, entity: Entity): Promise<PackedTable> {
  const columns = new Map<string, StagedField>();
  for (const staged of fields) {
    if (staged.field.owner !== entity) continue;
    const known = columns.get(staged.field.column);
    const isRicher = RICHEST.indexOf(staged.kind.input) < RICHEST.indexOf(known?.kind.input ?? 'number');
    if (known === undefined || isRicher) columns.set(staged.field.column, staged);
  }
  const sources = new Map([...columns].map(([name, { column }]) => [name, column]));
  config.tables[`${entity}s`]?.display.forEach((name, i) => {
    if (!sources.has(name)) sources.set(name, `display${i}`);
  });
  const select = `SELECT ${['key', ...sources.values()].map(identifier).join(', ')} FROM ${entity}s ORDER BY rowid`;
  const [counted] = await db.rows<{ count: number }>(`SELECT count(*)::INTEGER AS count FROM ${entity}s`);
  const types = await db.rows<{ column_type: string }>(`DESCRIBE ${select}`);
  const values = types.map(({ column_type }) => emptyColumn(column_type, counted!.count + 1));
  // The same text over and over is kept once; keys, the first column, are all different.
  const texts = values.map((_, at) => (at === 0 ? undefined : new Map<string, string>()));
  let row = 1;
  for await (const chunk of db.stream(select)) {
    values.forEach((column, at) => {
      const found = chunk.getColumnValues(at);
      // What is not there is NaN or null already.
      for (let i = 0; i < found.length; i++) if (found[i] !== null) column[row + i] = plain(found[i], texts[at]);
    });
    row += chunk.rowCount;
  }
  const [keys, ...others] = values;
  keys![0] = '';
  return packTable(keys as string[], new Map([...sources.keys()].map((name, i) => [name, others[i]!])));
}

function emptyColumn(type: string, count: number): RawColumn {
  return type === 'DOUBLE' ? new Float64Array(count).fill(Number.NaN) : new Array(count).fill(null);
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
