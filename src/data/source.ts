import { closeSync, openSync, readSync } from 'node:fs';
import { extname } from 'node:path';
import { gunzipSync, constants as zlib } from 'node:zlib';
import { didYouMean, TwoTowerError } from '../errors.js';
import type { BadRows } from './bad-rows.js';
import type { TableSource } from './config.js';
import type { Database } from './database.js';
import type { RawColumn } from './fields/kind.js';
import { identifier, literal } from './fields/sql.js';
import { type DatasetFiles, type Format, formatOf } from './files-of-table.js';
import { firstLine, notJson, notUtf8 } from './lines.js';

/** A data file, or several Parquet files, as DuckDB sees it. */
export interface Source {
  /** As the description names it. */
  file: string;
  /** The file itself, or the first of several. */
  path: string;
  format: Format;
  columns: RawColumn[];
  /** A table function call giving the rows in file order. */
  relation: string;
  /** Lines before the first row; undefined where rows are not lines. */
  headerLines: number | undefined;
  /** Where there are several files: which, and the rows of each. */
  parts?: { file: string; rows: number }[];
  /** Lines that were skipped because they could not be read, ascending; filled as the file is read. */
  skippedLines: number[];
}

/** A file, and what messages call it. */
type Named = Pick<Source, 'file' | 'path'>;

/**
 * Opens a table of the description: finds its columns, reads no rows.
 *
 * @throws DATA_SOURCE when it is of an unknown format or unreadable
 */
export async function openSource(
  db: Database,
  table: TableSource,
  known: DatasetFiles,
  skipBad: boolean,
): Promise<Source> {
  const { shown: file, files } = known.get(table)!;
  const { path, shown: first } = files[0]!;
  const named = { file, path };
  const format = formatOf(table, first);
  const extension = extname(file.replace(/\.(gz|zst)$/, '')).toLowerCase();
  if (format === 'csv') return openCsv(named, table, extension);
  const described = async (relation: string): Promise<RawColumn[]> => {
    const sql = `DESCRIBE SELECT * FROM ${relation}`;
    const rows = await reading(named, () => db.rows<{ column_name: string; column_type: string }>(sql));
    return rows.map((row) => ({ name: row.column_name, type: row.column_type, sql: identifier(row.column_name) }));
  };
  if (format === 'parquet') {
    const list = `[${files.map((one) => literal(one.path)).join(', ')}]`;
    const relation = `read_parquet(${list})`;
    const columns = await described(relation);
    const source: Source = { ...named, format, columns, relation, headerLines: undefined, skippedLines: [] };
    if (files.length === 1) return source;
    const parts = await db.rows<{ file: string; rows: bigint }>(
      `SELECT file_name AS file, num_rows AS rows FROM parquet_file_metadata(${list})`,
    );
    const rowsOf = new Map(parts.map((part) => [part.file, Number(part.rows)]));
    return { ...source, parts: files.map(({ path, shown }) => ({ file: shown, rows: rowsOf.get(path)! })) };
  }
  const sniffed = await described(`read_json(${literal(path)}, format='newline_delimited', ignore_errors=true)`);
  // Numbers are kept as their text, so that a row of another type is found by its number and not by DuckDB's guess.
  const columns = sniffed.map((column) => ({ ...column, type: column.type.endsWith('[]') ? 'VARCHAR[]' : 'VARCHAR' }));
  const types = columns.map((column) => `${literal(column.name)}: ${literal(column.type)}`).join(', ');
  const relation = `read_json(${literal(path)}, format='newline_delimited', columns={${types}}, ignore_errors=${skipBad})`;
  return { ...named, format, columns, relation, headerLines: 0, skippedLines: [] };
}

/** The named column. @throws DATA_COLUMN */
export function columnIn(source: Source, name: string): RawColumn {
  const column = source.columns.find((one) => one.name === name);
  if (column !== undefined) return column;
  throw new TwoTowerError(
    'DATA_COLUMN',
    `${source.file}: there is no column "${name}", ${didYouMean(
      name,
      source.columns.map((one) => one.name),
    )}`,
    mergedHeader(source) ?? 'Correct the name in the dataset description.',
  );
}

/** A header that was not cut: another character stands between its names. */
function mergedHeader({ format, columns }: Source): string | undefined {
  const [only, ...others] = columns;
  const delimiter = [';', '\t', '|'].find((one) => only?.name.includes(one));
  if (format !== 'csv' || others.length > 0 || delimiter === undefined) return undefined;
  return `Set \`delimiter\` of the table: { path: …, delimiter: ${JSON.stringify(delimiter)} }.`;
}

/** Runs a statement that reads a source, and turns DuckDB's complaints into ours. Ragged CSV rows go to `bad`. */
export async function readSource(db: Database, source: Source, sql: string, bad: BadRows): Promise<void> {
  if (source.format === 'csv') await db.run('DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans');
  await reading(source, () => db.run(sql));
  if (source.format !== 'csv') return;
  const rejected = await db.rows<{ line: bigint; error_type: string; error_message: string }>(
    'SELECT line, min(error_type) AS error_type, arg_max(error_message, column_idx) AS error_message FROM reject_errors GROUP BY line ORDER BY line',
  );
  const first = rejected[0];
  if (first !== undefined) {
    const said = first.error_message.replace(
      /^Expected Number of Columns: (\d+) Found: (\d+)/,
      '$2 values where $1 columns are named',
    );
    bad.add(rejected.length, {
      file: source.file,
      place: `row ${Number(first.line) - (source.headerLines ?? 0)} (line ${first.line})`,
      says: said,
      remedy: /ENCODING/.test(first.error_type)
        ? 'Set `encoding` of the table.'
        : 'Correct the line, or `delimiter` and `quote` of the table.',
      code: 'DATA_VALUE',
    });
  }
  source.skippedLines = rejected.map((row) => Number(row.line));
}

function openCsv({ file, path }: Named, table: TableSource, extension: string): Source {
  const delimiter = table.delimiter ?? (extension === '.tsv' ? '\t' : ',');
  const encoding = table.encoding;
  const first = Array.isArray(table.header) ? table.header : headerOf({ file, path }, delimiter, table.quote, encoding);
  const names = table.header === false ? first.map((_, i) => `column${i}`) : first;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new TwoTowerError(
      'DATA_COLUMN',
      `${file}: two columns are named "${twice}"`,
      'Name the columns with `header: [...]`.',
    );
  }
  const columns = names.map((name) => ({ name, type: 'VARCHAR', sql: identifier(name) }));
  const options = [
    'auto_detect=false',
    `header=${table.header === true}`,
    `delim=${literal(delimiter)}`,
    `quote=${literal(table.quote)}`,
    `escape=${literal(table.quote)}`,
    `encoding=${literal(encoding)}`,
    `nullstr=[${table.null.map(literal).join(', ')}]`,
    `columns={${names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')}}`,
    'store_rejects=true',
    'rejects_limit=0',
  ];
  const relation = `read_csv(${literal(path)}, ${options.join(', ')})`;
  return { file, path, format: 'csv', columns, relation, headerLines: table.header === true ? 1 : 0, skippedLines: [] };
}

/** The values of the first line. */
function headerOf(
  { file, path }: Named,
  delimiter: string,
  quote: string,
  encoding: TableSource['encoding'],
): string[] {
  const descriptor = openSync(path, 'r');
  const block = Buffer.alloc(1 << 16);
  let bytes: Buffer;
  try {
    bytes = block.subarray(0, readSync(descriptor, block));
  } finally {
    closeSync(descriptor);
  }
  if (path.endsWith('.gz')) bytes = unzipped(bytes, file);
  refuseUtf16(bytes, file);
  const text = bytes.toString(encoding === 'latin-1' ? 'latin1' : 'utf8').replace(/^\uFEFF/, '');
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line.trim() === '')
    throw new TwoTowerError('DATA_SOURCE', `${file}: the file is empty`, 'A CSV file begins with its column names.');
  const names: string[] = [];
  let value = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    if (quote !== '' && line[i] === quote) quoted = !quoted;
    else if (!quoted && line.startsWith(delimiter, i)) {
      names.push(value);
      value = '';
      i += delimiter.length - 1;
    } else value += line[i];
  }
  names.push(value);
  return names;
}

function unzipped(bytes: Buffer, file: string): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH });
  } catch {
    throw new TwoTowerError(
      'DATA_SOURCE',
      `${file}: it is not compressed by gzip, or damaged`,
      'Check that the file is whole.',
    );
  }
}

/** By its byte order mark: what spreadsheets call Unicode text. */
function refuseUtf16(bytes: Buffer, file: string): void {
  if (![0xfeff, 0xfffe].includes(bytes.length < 2 ? 0 : bytes.readUInt16BE(0))) return;
  throw new TwoTowerError('DATA_SOURCE', `${file}: the text is UTF-16`, 'Save it as UTF-8.');
}

/** Does something that reads a file, and turns DuckDB's complaints into ours. */
export async function reading<T>(source: Named, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw await unreadable(source, cause);
  }
}

/** DuckDB's complaint in our words. It miscounts lines of JSON and fails inside on foreign encodings, so the line is looked up. */
async function unreadable({ file, path }: Named, cause: unknown): Promise<TwoTowerError> {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/Malformed JSON/.test(message)) {
    const line = await firstLine(path, notJson);
    const reason = /in line \d+: (.*)/.exec(message)?.[1]?.trim() ?? 'it cannot be read';
    return new TwoTowerError(
      'DATA_VALUE',
      `${file}, row ${line} (line ${line}): malformed JSON: ${reason}`,
      'Correct the line. Or skip bad rows with maxBadRows.',
    );
  }
  if (/INTERNAL Error|utf-?8|unicode/i.test(message)) {
    const line = await firstLine(path, notUtf8);
    if (line !== undefined) {
      return new TwoTowerError(
        'DATA_VALUE',
        `${file}, line ${line}: the text is not utf-8`,
        'Set `encoding` of the table.',
      );
    }
  }
  return new TwoTowerError(
    'DATA_SOURCE',
    `${file}: ${message.split('\n')[0]}`,
    'Check that the file is whole and of this format.',
  );
}
