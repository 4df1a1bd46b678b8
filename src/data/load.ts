import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { TwoTowerError } from '../errors.js';
import type { Feature, Schema } from '../schema.js';
import { BadRows } from './bad-rows.js';
import { bundledConfig } from './bundled.js';
import { type DatasetConfig, fieldsOf } from './config.js';
import { Database } from './database.js';
import type { Dataset, EncodedColumn, EventTable, HistoryLog, KeyedTable } from './dataset.js';
import { doubleReader, fieldReader, integerReader, type Reader, readInto } from './encode.js';
import { fieldKind } from './fields/index.js';
import { buildHistoryLog, firstEvents, readSeeds } from './history-log.js';
import { reorder, reorderColumn, stableOrder } from './sort.js';
import { type Cut, cutOf, splitRows } from './split.js';
import { placeOf, rowSql } from './stage.js';
import { completeKeyed, type Entity, type LoadContext, stageEvents, stageKeyed } from './tables.js';
import { type Fitted, fitFields, sizeIn } from './vocabulary.js';

export interface LoadOptions {
  /** Data folder instead of the description's own. */
  root?: string;
  /** Bad rows that are skipped and counted before a load fails; default 0. */
  maxBadRows?: number;
  onProgress?: (progress: LoadProgress) => void;
  /** Memory DuckDB may use before it goes to the disk; default 1GB. */
  memoryLimit?: string;
  /** Now, in seconds since 1970: events more than a day later are refused. */
  now?: number;
}

export interface LoadProgress {
  /** Such as `reading events`. */
  stage: string;
  done?: number;
  total?: number;
}

/** What a load noticed beside the dataset. */
export interface LoadReport {
  sources: { table: string; file: string; rows: number; columns: number }[];
  /** Rows skipped because they were bad, and one example of each sort. */
  badRows: number;
  badRowExamples: string[];
  /** Events left out by `drop`. */
  dropped: number;
  /** Events earlier than the one before them in the file. */
  unordered: number;
  /** Earlier items of users that neither the item table nor the events know. */
  unknownSeedItems: number;
}

/**
 * Reads a dataset: the files are checked, encoded with what the training part teaches, and put in time order.
 *
 * @param source a description, the path of one, or the name of a bundled dataset
 * @throws DATA_SOURCE, DATA_COLUMN, DATA_VALUE, DATA_KEY, DATA_SPLIT, each naming file, row and column
 */
export async function loadDataset(source: DatasetConfig | string, options: LoadOptions = {}): Promise<Dataset> {
  return (await loadWithReport(source, options)).dataset;
}

/** {@link loadDataset}, with what was noticed on the way. */
export async function loadWithReport(
  source: DatasetConfig | string,
  options: LoadOptions = {},
): Promise<{ dataset: Dataset; report: LoadReport; config: DatasetConfig }> {
  const progress = options.onProgress ?? (() => {});
  const given = typeof source === 'string' ? await bundledConfig(source, options) : source;
  const config = options.root === undefined ? given : { ...given, root: options.root };
  const db = await Database.open(options.memoryLimit ?? '1GB');
  try {
    const maxBadRows = options.maxBadRows ?? 0;
    const context: LoadContext = {
      db,
      config,
      fields: fieldsOf(config).map((field, i) => ({ field, kind: fieldKind(field.kind), column: `f${i}` })),
      bad: new BadRows(maxBadRows),
      skipBad: maxBadRows > 0,
      now: options.now ?? Date.now() / 1e3,
      sources: [],
    };
    progress({ stage: 'reading tables' });
    await stageKeyed(context, 'user');
    await stageKeyed(context, 'item');
    progress({ stage: 'reading events' });
    await stageEvents(context);
    await completeKeyed(context, 'user');
    await completeKeyed(context, 'item');
    progress({ stage: 'learning vocabularies' });
    const cut = await cutOf(db, config);
    const fitted = await fitFields(context, `problem = 0 AND ${cut.column} < (${sqlNumber(cut.trainUntil)})`);
    const users = await encodeKeyed(context, 'user', fitted);
    const items = await encodeKeyed(context, 'item', fitted);
    const { events, keys, unordered } = await encodeEvents(context, fitted, cut, progress);
    const splits = splitRows(config, cut, keys);
    progress({ stage: 'gathering histories' });
    const { histories, unknownSeedItems } = await buildHistories(context, events, users.count);
    const report: LoadReport = {
      sources: context.sources.map(({ table, source: { file, columns }, rows }) => ({
        table,
        file,
        rows,
        columns: columns.length,
      })),
      badRows: context.bad.count,
      badRowExamples: context.bad.examples,
      dropped: Number((await db.rows<{ n: bigint }>('SELECT count(*) AS n FROM events WHERE problem = -1'))[0]!.n),
      unordered,
      unknownSeedItems,
    };
    const dataset: Dataset = {
      name: config.name,
      schema: schemaOf(context, fitted),
      users,
      items,
      events,
      histories,
      label: config.label,
      splits,
      encoders: { version: 1, fields: fitted.states, vocabularies: fitted.vocabularies },
      hash: await hashOf(
        config,
        report.sources.map(({ file }) => file),
      ),
      skippedRows: context.bad.count,
    };
    return { dataset, report, config };
  } finally {
    db.close();
  }
}

function schemaOf({ fields, config }: LoadContext, fitted: Fitted): Schema {
  const schema: Schema = { user: [], context: [], item: [], histories: [] };
  const sizeOf = sizeIn(fitted.vocabularies);
  fields.forEach(({ field, kind }, i) => {
    schema[field.owner].push(kind.feature(field, fitted.states[i]!.state, sizeOf));
  });
  const named = (name: string): Feature[] => schema.item.filter((feature) => feature.name === name);
  schema.histories = Object.entries(config.histories).map(([name, { maxLength, features }]) => ({
    name,
    maxLength,
    features: features.flatMap(named),
  }));
  return schema;
}

async function encodeKeyed({ db, config, fields }: LoadContext, entity: Entity, fitted: Fitted): Promise<KeyedTable> {
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

async function encodeEvents(
  context: LoadContext,
  fitted: Fitted,
  cut: Cut,
  progress: (progress: LoadProgress) => void,
): Promise<{ events: EventTable; keys: Float64Array; unordered: number }> {
  const { db, config, fields } = context;
  const kept = 'events WHERE problem = 0';
  const count = Number((await db.rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${kept}`))[0]!.n);
  let user = new Int32Array(count);
  let item = new Int32Array(count);
  let time = new Float64Array(count);
  let cutKeys = cut.column === 'cut' ? new Float64Array(count) : undefined;
  let request = config.request === undefined ? undefined : new Int32Array(count);
  const readers: Reader[] = [
    integerReader(rowSql('"user"', 'user_key'), user),
    integerReader(rowSql('item', 'item_key'), item),
    doubleReader('seconds', time),
  ];
  if (cutKeys !== undefined) readers.push(doubleReader('cut', cutKeys));
  const requestIds = request === undefined ? undefined : new Float64Array(count);
  if (requestIds !== undefined) readers.push(doubleReader('request', requestIds));
  const feedback = new Map<string, Float32Array>();
  config.feedback.forEach((one, i) => {
    const values = new Float32Array(count);
    feedback.set(typeof one === 'string' ? one : one.name, values);
    readers.push(doubleReader(`feedback${i}::DOUBLE`, values));
  });
  const columns = new Map<string, EncodedColumn>();
  fields.forEach((staged, i) => {
    if (staged.field.owner !== 'context') return;
    const { column, reader } = fieldReader(staged, i, fitted, count);
    columns.set(staged.field.name, column);
    readers.push(reader);
  });
  await readInto(db, readers, kept, 0, (done) => progress({ stage: 'encoding events', done, total: count }));
  if (request !== undefined && requestIds !== undefined) request = renumber(requestIds, request);

  const unordered = await refuseUnordered(context, time);
  const order = stableOrder(time);
  if (order !== undefined) {
    user = reorder(user, order);
    item = reorder(item, order);
    time = reorder(time, order);
    if (cutKeys !== undefined) cutKeys = reorder(cutKeys, order);
    if (request !== undefined) request = reorder(request, order);
    for (const [name, values] of feedback) feedback.set(name, reorder(values, order));
    for (const [name, column] of columns) columns.set(name, reorderColumn(column, order));
  }
  const events: EventTable = { count, user, item, time, feedback, context: { count, columns } };
  if (request !== undefined) events.request = request;
  return { events, keys: cutKeys ?? time, unordered };
}

/** Request numbers of the log may exceed 32 bits: they are renumbered as they first appear. */
function renumber(ids: Float64Array, into: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const seen = new Map<number, number>();
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    let number = seen.get(id);
    if (number === undefined) {
      number = seen.size;
      seen.set(id, number);
    }
    into[i] = number;
  }
  return into;
}

/** Counts the events earlier than the one before. @throws DATA_VALUE at the first if the description requires order */
async function refuseUnordered({ db, config, sources }: LoadContext, time: Float64Array): Promise<number> {
  let unordered = 0;
  let first = -1;
  for (let i = 1; i < time.length; i++) {
    if (time[i]! >= time[i - 1]!) continue;
    if (unordered++ === 0) first = i;
  }
  const source = sources.find(({ table }) => table === 'events')?.source;
  if (unordered > 0 && config.time.order === 'required' && source !== undefined) {
    const found = await db.rows<{ row: bigint }>(
      `SELECT rowid AS row FROM events WHERE problem = 0 LIMIT 1 OFFSET ${first}`,
    );
    throw new TwoTowerError(
      'DATA_VALUE',
      `${source.file}, ${placeOf(source, Number(found[0]!.row))}, column "${config.time.column}": the time ${time[first]} is before ${time[first - 1]} of the event above it`,
      'Sort the file by time, or set time.order to any.',
    );
  }
  return unordered;
}

async function buildHistories(
  context: LoadContext,
  events: EventTable,
  users: number,
): Promise<{ histories: HistoryLog[]; unknownSeedItems: number }> {
  const histories: HistoryLog[] = [];
  let unknownSeedItems = 0;
  const first = firstEvents(events, users);
  for (const [name, { positive, maxLength, seed }] of Object.entries(context.config.histories)) {
    const seeds = seed === undefined ? undefined : await readSeeds(context, name, seed, maxLength, users, first);
    unknownSeedItems += seeds?.unknown ?? 0;
    histories.push(buildHistoryLog(name, maxLength, events, events.feedback.get(positive)!, users, seeds));
  }
  return { histories, unknownSeedItems };
}

/** SHA-256 over what the description says and the bytes of the files, wherever they lie. */
async function hashOf(config: DatasetConfig, files: string[]): Promise<string> {
  const { file: _, root: __, about: ___, download: ____, ...said } = config;
  const hash = createHash('sha256').update(JSON.stringify(said));
  for (const file of files) {
    hash.update('\0');
    for await (const block of createReadStream(file)) hash.update(block as Buffer);
  }
  return hash.digest('hex');
}

function sqlNumber(value: number): string {
  return Number.isFinite(value)
    ? String(value)
    : `'${Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'}'::DOUBLE`;
}
