import type { BadRows } from './bad-rows.js';
import { columnOf, type DatasetConfig } from './config.js';
import type { Database } from './database.js';
import type { Check, Field, FieldKind } from './fields/kind.js';
import { identifier, numberChecks, numberOf, secondsOf, textOf } from './fields/sql.js';
import type { DatasetFiles } from './files-of-table.js';
import { addOutcomes, conditionSql } from './outcomes.js';
import { columnIn, openSource, reading, type Source } from './source.js';
import { inFile, notInteger, refuseDuplicates, stage } from './stage.js';

/** A field, its kind, and the name of its column in the staged tables. */
export interface StagedField {
  field: Field;
  kind: FieldKind;
  column: string;
}

const FUTURE = 86400;

/** Everything the staging of one dataset shares. */
export interface LoadContext {
  db: Database;
  config: DatasetConfig;
  files: DatasetFiles;
  fields: StagedField[];
  bad: BadRows;
  /** Rows that fail are skipped rather than fatal. */
  skipBad: boolean;
  /** Seconds since 1970. */
  now: number;
  sources: { table: string; source: Source; rows: number }[];
}

/** The staged table of the users or the items: columns `key`, fields, display columns; row r + 1 is rowid r. */
export type Entity = 'user' | 'item';

/** Stages `users` or `items` from its file; without one, {@link stageEvents} leaves what is needed in the events. */
export async function stageKeyed(context: LoadContext, entity: Entity): Promise<void> {
  const { db, config, bad } = context;
  const table = config.tables[`${entity}s`];
  if (table === undefined) return;
  const source = await openSource(db, table, context.files, context.skipBad);
  const key = columnIn(source, table.key);
  const keyText = inFile(source.file, () => textOf(key));
  const columns = new Map([['key', keyText]]);
  const checks: Check[] = [emptyKey(key.name, keyText)];
  if (keyTypeOf(config[entity]) === 'integer')
    checks.push(keyCheck(key.name, keyText, notInteger(keyText), 'is not a whole number'));
  addFields(context, source, (field) => field.owner === entity, columns, checks);
  table.display.forEach((name, i) => {
    const column = columnIn(source, name);
    const list = column.type.endsWith('[]');
    columns.set(
      `display${i}`,
      list ? `array_to_string(${column.sql}, ', ')` : inFile(source.file, () => textOf(column)),
    );
  });
  await stage(db, source, { table: `${entity}s_read`, columns, checks }, bad);
  await refuseDuplicates(db, source, `${entity}s_read`, table.key, bad);
  context.sources.push({ table: `${entity}s`, source, rows: await countOf(db, `${entity}s_read`) });
}

/** Stages the events: columns `user`, `item`, `seconds`, `cut`, `request`, `stage`, `feedbackN`, `scoreN` and fields. */
export async function stageEvents(context: LoadContext): Promise<void> {
  const { db, config, bad } = context;
  const source = await openSource(db, config.tables.events, context.files, context.skipBad);
  const columns = new Map<string, string>();
  const checks: (Check & { code?: 'DATA_KEY' })[] = [];
  for (const entity of ['user', 'item'] as const) {
    const column = columnIn(source, columnOf(config[entity]));
    const text = inFile(source.file, () => textOf(column));
    columns.set(entity, text);
    checks.push(emptyKey(column.name, text));
    const other = await keyTypeCheck(context, entity, source, text);
    if (other !== undefined) checks.push(keyCheck(column.name, text, other.when, other.says));
  }

  const time = columnIn(source, config.time.column);
  const seconds = inFile(source.file, () => secondsOf(time, config.time.unit));
  columns.set('seconds', seconds);
  const timeCheck = { column: time.name, value: `${time.sql}::VARCHAR` };
  const unit = `time.unit is ${config.time.unit}`;
  checks.push(
    {
      ...timeCheck,
      when: `${seconds} IS NULL OR NOT isfinite(${seconds})`,
      says: 'is not a time',
      remedy: `Correct the value, or the unit (${unit}).`,
    },
    {
      ...timeCheck,
      when: `${seconds} > ${context.now + FUTURE}`,
      says: 'lies in the future',
      remedy: `Correct the value, or the unit (${unit}).`,
    },
  );

  if ('by' in config.split && config.split.by !== undefined) {
    const column = columnIn(source, config.split.by);
    columns.set(
      'cut',
      inFile(source.file, () => numberOf(column)),
    );
    checks.push(...numberChecks(column, true));
  }
  if (config.request !== undefined) {
    const column = columnIn(source, config.request);
    columns.set(
      'request',
      inFile(source.file, () => numberOf(column)),
    );
    checks.push(...numberChecks(column, true));
  }
  addOutcomes(config, source, columns, checks);
  const fromEvents = (field: Field) => field.owner === 'context' || config.tables[`${field.owner}s`] === undefined;
  addFields(context, source, fromEvents, columns, checks);

  const drop = config.drop.map((one) => inFile(source.file, () => conditionSql(source, one).sql ?? 'false'));
  await stage(
    db,
    source,
    {
      table: 'events',
      columns,
      checks,
      drop: drop.length === 0 ? undefined : drop.map((one) => `(${one})`).join(' OR '),
    },
    bad,
  );
  context.sources.push({ table: 'events', source, rows: await countOf(db, 'events') });
}

/**
 * Makes the tables `users` and `items`: all rows of the file, then the keys only the events know, as they first appear;
 * and the enum types `user_key` and `item_key`.
 *
 * @returns how many keys of the events have no row in the file; 0 where there is no file
 */
export async function completeKeyed(context: LoadContext, entity: Entity): Promise<number> {
  const { db, config, fields } = context;
  const members = fields.filter(({ field }) => field.owner === entity);
  const own = members.map(({ column }) => column);
  const table = config.tables[`${entity}s`];
  let unlisted = 0;
  if (table === undefined) {
    // The earliest event that has a value tells it.
    const values = own.map((column) => `, arg_min(${column}, {'t': seconds, 'r': rowid}) AS ${column}`).join('');
    await db.run(
      `CREATE TABLE ${entity}s AS SELECT ${entity} AS key${values} FROM events WHERE problem = 0 GROUP BY ${entity} ORDER BY min(rowid)`,
    );
  } else {
    const kept = ['key', ...own, ...table.display.map((_, i) => `display${i}`)].join(', ');
    await db.run(`CREATE TABLE ${entity}s AS SELECT ${kept} FROM ${entity}s_read WHERE problem = 0 ORDER BY rowid`);
    const listed = await countOf(db, `${entity}s`);
    // A key without a row of its own still tells the field that reads the key.
    const keys = members
      .filter(({ field, kind }) => kind.input === 'text' && field.column === table.key)
      .map(({ column }) => column);
    await db.run(
      `INSERT INTO ${entity}s (${['key', ...keys].join(', ')}) SELECT ${[entity, ...keys.map(() => entity)].join(', ')} FROM events ANTI JOIN ${entity}s ON ${entity} = key WHERE problem = 0 GROUP BY ${entity} ORDER BY min(events.rowid)`,
    );
    unlisted = (await countOf(db, `${entity}s`)) - listed;
  }
  await db.run(`CREATE TYPE ${entity}_key AS ENUM (SELECT key FROM ${entity}s ORDER BY rowid)`);
  return unlisted;
}

function addFields(
  { fields }: LoadContext,
  source: Source,
  wanted: (field: Field) => boolean,
  columns: Map<string, string>,
  checks: Check[],
): void {
  for (const { field, kind, column } of fields) {
    if (!wanted(field)) continue;
    const raw = kind.columns(field).map((name) => columnIn(source, name));
    const made = inFile(source.file, () => kind.source(field, raw));
    columns.set(column, made.sql);
    checks.push(...made.checks);
  }
}

/** How the keys of the events must look, judged by the keyed table, or by the first events. */
async function keyTypeCheck(
  { db, config }: LoadContext,
  entity: Entity,
  source: Source,
  text: string,
): Promise<{ when: string; says: string } | undefined> {
  const declared = keyTypeOf(config[entity]);
  if (declared === 'text') return undefined;
  if (declared === 'integer') return { when: notInteger(text), says: 'is not a whole number, as `type: integer` says' };
  const table = config.tables[`${entity}s`];
  const keys =
    table === undefined
      ? `(SELECT ${text} AS key FROM ${source.relation} LIMIT 1000)`
      : `(SELECT key FROM ${entity}s_read WHERE problem = 0)`;
  const counting = `SELECT count(*) AS n, count(*) FILTER (${notInteger('key')}) AS texts FROM ${keys} WHERE key IS NOT NULL`;
  const seen = (await reading(source, () => db.rows<{ n: bigint; texts: bigint }>(counting)))[0]!;
  if (seen.n === 0n) return undefined;
  const whose = table === undefined ? 'the first rows' : table.path;
  if (seen.texts === 0n)
    return { when: notInteger(text), says: `is text, where the keys of ${whose} are whole numbers` };
  if (table !== undefined && seen.texts === seen.n) {
    return {
      when: `NOT coalesce(${notInteger(text)}, true)`,
      says: `is a whole number, where the keys of ${whose} are text`,
    };
  }
  return undefined;
}

function keyTypeOf(key: DatasetConfig['user']): 'integer' | 'text' | undefined {
  return typeof key === 'string' ? undefined : key.type;
}

function emptyKey(column: string, text: string): Check & { code: 'DATA_KEY' } {
  return {
    column,
    when: `${text} IS NULL`,
    value: `''`,
    says: 'is empty where a key is needed',
    remedy: 'Give the row its key.',
    code: 'DATA_KEY',
  };
}

function keyCheck(column: string, text: string, when: string, says: string): Check & { code: 'DATA_KEY' } {
  return {
    column,
    when,
    value: text,
    says,
    remedy: 'Correct the key, or set its `type` to text in the description.',
    code: 'DATA_KEY',
  };
}

async function countOf(db: Database, table: string): Promise<number> {
  return Number((await db.rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${identifier(table)}`))[0]!.n);
}
