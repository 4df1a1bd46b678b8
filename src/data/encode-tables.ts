import type { EncodedColumn, KeyedTable } from './dataset.js';
import { fieldReader, type Reader, readInto } from './encode.js';
import type { Entity, LoadContext } from './tables.js';
import type { Fitted } from './vocabulary.js';

/** The users or items as typed arrays: row 0 unknown, then the rows of the staged table. */
export async function encodeKeyed(
  { db, config, fields }: LoadContext,
  entity: Entity,
  fitted: Fitted,
): Promise<KeyedTable> {
  const rows = await db.rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${entity}s`);
  const count = Number(rows[0]!.n) + 1;
  const columns = new Map<string, EncodedColumn>();
  const readers: Reader[] = [];
  fields.forEach((staged, i) => {
    if (staged.field.owner !== entity) return;
    const { column, reader } = fieldReader(staged, i, fitted, count);
    if (staged.kind.input === 'number') staged.kind.encode(Number.NaN, fitted.states[i]!.state, column, 0);
    columns.set(staged.field.name, column);
    readers.push(reader);
  });
  await readInto(db, readers, `${entity}s ORDER BY rowid`, 1);
  const shown = config.tables[`${entity}s`]?.display ?? [];
  const texts = [['']] as (string | null)[][];
  shown.forEach(() => {
    texts.push([null]);
  });
  const select = ['key', ...shown.map((_, i) => `display${i}`)].join(', ');
  for await (const chunk of db.stream(`SELECT ${select} FROM ${entity}s ORDER BY rowid`)) {
    texts.forEach((column, i) => {
      for (const value of chunk.getColumnValues(i)) column.push(value as string | null);
    });
  }
  return {
    count,
    columns,
    keys: texts[0] as string[],
    display: new Map(shown.map((name, i) => [name, texts[i + 1]!])),
  };
}
