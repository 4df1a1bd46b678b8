import { basename } from 'node:path';
import { type ErrorCode, TwoTowerError } from '../errors.js';
import type { BadRows } from './bad-rows.js';
import type { Database } from './database.js';
import type { Check } from './fields/kind.js';
import { identifier } from './fields/sql.js';
import { readSource, type Source } from './source.js';

/** What a staged table holds: SQL over the source file, by column name. */
export interface Staging {
  table: string;
  columns: Map<string, string>;
  /** SQL true for rows to leave out; they are not judged. */
  drop?: string | undefined;
  checks: (Check & { code?: ErrorCode })[];
}

/**
 * Reads a source once into a table of the load's database, in file order: the columns asked for, and `kept`. Rows that fail
 * a check go to `bad` and are not kept.
 */
export async function stage(db: Database, source: Source, staging: Staging, bad: BadRows): Promise<void> {
  const { table, columns, checks, drop } = staging;
  const select = [...columns].map(([name, sql]) => `${sql} AS ${identifier(name)}`);
  const cases = checks.map((check, i) => `WHEN ${check.when} THEN ${i + 1}`);
  const judged = cases.length === 0 ? '0' : `CASE ${cases.join(' ')} ELSE 0 END`;
  const problem = drop === undefined ? judged : `CASE WHEN ${drop} THEN -1 ELSE ${judged} END`;
  await readSource(
    db,
    source,
    `CREATE TABLE ${table} AS SELECT ${select.join(', ')}, (${problem})::SMALLINT AS problem FROM ${source.relation}`,
    bad,
  );
  const found = (
    await db.rows<{ n: bigint; row: bigint | null; problem: number | null }>(
      `SELECT count(*) AS n, min(rowid) AS row, arg_min(problem, rowid) AS problem FROM ${table} WHERE problem > 0`,
    )
  )[0]!;
  const check = found.problem === null ? undefined : checks[found.problem - 1];
  if (check !== undefined) {
    const row = Number(found.row);
    const shown = await db.rows<{ v: string | null }>(
      `SELECT ${check.value} AS v FROM ${source.relation} LIMIT 1 OFFSET ${row}`,
    );
    bad.add(Number(found.n), {
      file: source.file,
      place: placeOf(source, row),
      column: check.column,
      says: `${JSON.stringify(shown[0]?.v ?? '')} ${check.says}`,
      remedy: check.remedy,
      code: check.code ?? 'DATA_VALUE',
    });
  }
}

/** Where a row stands, for people: rows count from 1 after the header; lines as an editor counts them. */
export function placeOf(source: Source, row: number): string {
  if (source.parts !== undefined) return placeInParts(source.parts, row);
  if (source.headerLines === undefined) return `row ${row + 1}`;
  let line = row + 1 + source.headerLines;
  for (const skipped of source.skippedLines) if (skipped <= line) line++;
  return `row ${line - source.headerLines} (line ${line})`;
}

function placeInParts(parts: NonNullable<Source['parts']>, row: number): string {
  let first = 0;
  for (const { file, rows } of parts) {
    if (row < first + rows) return `row ${row - first + 1} of ${basename(file)}`;
    first += rows;
  }
  return `row ${row + 1}`;
}

/** Marks all but the first of the rows that share a key as bad. @throws DATA_KEY when that is more than allowed */
export async function refuseDuplicates(
  db: Database,
  source: Source,
  table: string,
  key: string,
  bad: BadRows,
): Promise<void> {
  const twice = `SELECT rowid AS row, key, row_number() OVER (PARTITION BY key ORDER BY rowid) AS nth FROM ${table} WHERE problem = 0`;
  const found = (
    await db.rows<{ n: bigint; row: bigint | null; key: string | null }>(
      `SELECT count(*) AS n, min(row) AS row, arg_min(key, row) AS key FROM (${twice}) WHERE nth > 1`,
    )
  )[0]!;
  if (found.row === null) return;
  bad.add(Number(found.n), {
    file: source.file,
    place: placeOf(source, Number(found.row)),
    column: key,
    says: `${JSON.stringify(found.key)} is the key of an earlier row too`,
    remedy: 'Keep one row per key.',
    code: 'DATA_KEY',
  });
  await db.run(`UPDATE ${table} SET problem = 1 WHERE rowid IN (SELECT row FROM (${twice}) WHERE nth > 1)`);
}

/** SQL that is true where canonical text is not a whole number. */
export function notInteger(sql: string): string {
  return `NOT regexp_full_match(${sql}, '-?[0-9]+')`;
}

/** Runs `work`, and puts the file in front of an error that knows only the column. */
export function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof TwoTowerError && cause.code === 'DATA_COLUMN' && !cause.message.includes(file)) {
      const message = cause.message.split('\n')[0]!;
      throw new TwoTowerError(cause.code, `${file}: ${message}`, cause.remedy);
    }
    throw cause;
  }
}

/** SQL of the row of a text in an enum type whose values stand in row order: 0 where it is NULL or not in it. */
export function rowSql(sql: string, type: string): string {
  return `coalesce(enum_code(try_cast(${sql} AS ${type}))::INTEGER + 1, 0)`;
}
