import { TwoTowerError } from '../errors.js';
import type { EncodedColumn, EventTable, KeyedTable } from './dataset.js';
import { doubleReader, fieldReader, integerReader, type Reader, readInto } from './encode.js';
import { eventStages, stageLevels } from './levels.js';
import { Reorder, stableOrder } from './sort.js';
import type { Cut } from './split.js';
import { placeOf, rowSql } from './stage.js';
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

/** The events as typed arrays in time order, and `keys`: what the split cuts. */
export async function encodeEvents(
  context: LoadContext,
  fitted: Fitted,
  cut: Cut,
  progress: (progress: { stage: string; done: number; total: number }) => void,
): Promise<{ events: EventTable; keys: Float64Array; unordered: number }> {
  const { db, config, fields } = context;
  const kept = 'events WHERE problem = 0';
  const count = Number((await db.rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${kept}`))[0]!.n);
  const user = new Int32Array(count);
  const item = new Int32Array(count);
  const time = new Float64Array(count);
  const cutKeys = cut.column === 'cut' ? new Float64Array(count) : undefined;
  const request = config.request === undefined ? undefined : new Int32Array(count);
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
  const scores = new Map<string, Float32Array>();
  (config.scores ?? []).forEach((name, i) => {
    const values = new Float32Array(count);
    scores.set(name, values);
    readers.push(doubleReader(`coalesce(score${i}, 'nan'::DOUBLE)`, values));
  });
  const levels = stageLevels(config);
  const logged = levels.column === undefined ? undefined : new Int32Array(count);
  if (logged !== undefined) readers.push(integerReader('stage::INTEGER', logged));
  const columns = new Map<string, EncodedColumn>();
  fields.forEach((staged, i) => {
    if (staged.field.owner !== 'context') return;
    const { column, reader } = fieldReader(staged, i, fitted, count);
    columns.set(staged.field.name, column);
    readers.push(reader);
  });
  await readInto(db, readers, kept, 0, (done) => progress({ stage: 'encoding events', done, total: count }));
  if (request !== undefined && requestIds !== undefined) renumber(requestIds, request);

  const unordered = await refuseUnordered(context, time);
  const order = stableOrder(time);
  if (order !== undefined) {
    const reorder = new Reorder(order);
    const all = [user, item, time, cutKeys, request, logged, ...feedback.values(), ...scores.values()];
    for (const values of all) if (values) reorder.rows(values);
    for (const column of columns.values()) reorder.column(column);
  }
  const stage = eventStages(levels, feedback, count, logged);
  const events: EventTable = { count, user, item, time, feedback, stage, context: { count, columns } };
  if (scores.size > 0) events.scores = scores;
  if (request !== undefined) events.request = request;
  return { events, keys: cutKeys ?? time, unordered };
}

/** Request numbers of the log may exceed 32 bits: they are renumbered as they first appear. */
function renumber(ids: Float64Array, into: Int32Array): void {
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
