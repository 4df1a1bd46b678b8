import { TwoTowerError } from '../errors.js';
import type { Schema } from '../schema.js';
import type { EncodedColumn } from './dataset.js';
import { doubleReader, fieldReader, integerReader, type Reader } from './encode.js';
import type { EventColumns, EventLayout } from './event-columns.js';
import { stageLevels } from './levels.js';
import type { Cut } from './parts.js';
import { placeOf, rowSql } from './stage.js';
import type { LoadContext } from './tables.js';
import type { Fitted } from './vocabulary.js';

/** The events that count, in the order of the log. */
const KEPT_EVENTS = 'events WHERE problem = 0';

/** Columns for so many events, and the readers that fill them. */
function eventReaders(
  { config, fields }: LoadContext,
  fitted: Fitted,
  cut: Cut,
  count: number,
): { columns: EventColumns; readers: Reader[] } {
  const readers: Reader[] = [];
  const integer = (sql: string) => {
    const values = new Int32Array(count);
    readers.push(integerReader(sql, values));
    return values;
  };
  const double = (sql: string) => {
    const values = new Float64Array(count);
    readers.push(doubleReader(sql, values));
    return values;
  };
  const named = (names: string[], sql: (i: number) => string) => {
    return new Map(
      names.map((name, i) => {
        const values = new Float32Array(count);
        readers.push(doubleReader(sql(i), values));
        return [name, values];
      }),
    );
  };
  const columns: EventColumns = {
    user: integer(rowSql('"user"', 'user_key')),
    item: integer(rowSql('item', 'item_key')),
    time: double('seconds'),
    cut: cut.column === 'cut' ? double('cut') : undefined,
    request: config.request === undefined ? undefined : double('request'),
    logged: stageLevels(config).column === undefined ? undefined : integer('stage::INTEGER'),
    feedback: named(feedbackNames(config), (i) => `feedback${i}::DOUBLE`),
    scores: named(config.scores ?? [], (i) => `coalesce(score${i}, 'nan'::DOUBLE)`),
    context: new Map<string, EncodedColumn>(),
  };
  fields.forEach((staged, i) => {
    if (staged.field.owner !== 'context') return;
    const { column, reader } = fieldReader(staged, i, fitted, count);
    columns.context.set(staged.field.name, column);
    readers.push(reader);
  });
  return { columns, readers };
}

/** The columns that {@link eventReaders} makes. */
export function layoutOf({ config }: LoadContext, cut: Cut, schema: Schema): EventLayout {
  return {
    cut: cut.column === 'cut',
    request: config.request !== undefined,
    logged: stageLevels(config).column !== undefined,
    feedback: feedbackNames(config),
    scores: config.scores ?? [],
    context: schema.context,
  };
}

function feedbackNames({ feedback }: LoadContext['config']): string[] {
  return feedback.map((one) => (typeof one === 'string' ? one : one.name));
}

/** The first `count` rows of some columns are filled. */
export interface EncodedBlock {
  columns: EventColumns;
  count: number;
}

/** All events in the order of the log, so many at a time; at least one block, which may be empty. */
export async function* encodedBlocks(
  context: LoadContext,
  fitted: Fitted,
  cut: Cut,
  size: number,
  onEvents: (done: number) => void,
): AsyncGenerator<EncodedBlock> {
  const room = () => eventReaders(context, fitted, cut, size);
  let { columns, readers } = room();
  let count = 0;
  let done = 0;
  const select = readers.map(({ sql }) => sql).join(', ');
  for await (const chunk of context.db.stream(`SELECT ${select} FROM ${KEPT_EVENTS}`)) {
    if (count + chunk.rowCount > size) {
      yield { columns, count };
      ({ columns, readers } = room());
      count = 0;
    }
    readers.forEach((reader, i) => {
      reader.take(chunk, i, count);
    });
    count += chunk.rowCount;
    done += chunk.rowCount;
    onEvents(done);
  }
  yield { columns, count };
}

/** All events at once, in the order of the log. */
export async function encodeEvents(
  context: LoadContext,
  fitted: Fitted,
  cut: Cut,
  progress: (progress: { stage: string; done: number; total: number }) => void,
): Promise<{ columns: EventColumns; unordered: number }> {
  const total = await countEvents(context);
  const order = new TimeOrder();
  const report = (done: number) => progress({ stage: 'encoding events', done, total });
  // There is always a block, and one that has room for all is the only one.
  const { columns, count }: EncodedBlock = (await encodedBlocks(context, fitted, cut, total, report).next()).value;
  order.follow(columns.time, count);
  return { columns, unordered: await order.check(context) };
}

export async function countEvents({ db }: LoadContext): Promise<number> {
  return Number((await db.rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${KEPT_EVENTS}`))[0]!.n);
}

/** Follows the times of the events as they are read, and counts those earlier than the one before. */
export class TimeOrder {
  private unordered = 0;
  private seen = 0;
  private last = Number.NEGATIVE_INFINITY;
  private first: { event: number; time: number; before: number } | undefined;

  /** The next `count` events. */
  follow(times: Float64Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const time = times[i]!;
      if (time < this.last) {
        this.unordered++;
        this.first ??= { event: this.seen + i, time, before: this.last };
      }
      this.last = time;
    }
    this.seen += count;
  }

  /** How many there were. @throws DATA_VALUE at the first if the description requires order */
  async check({ db, config, sources }: LoadContext): Promise<number> {
    const source = sources.find(({ table }) => table === 'events')?.source;
    if (this.first !== undefined && config.time.order === 'required' && source !== undefined) {
      const { event, time, before } = this.first;
      const found = await db.rows<{ row: bigint }>(`SELECT rowid AS row FROM ${KEPT_EVENTS} LIMIT 1 OFFSET ${event}`);
      throw new TwoTowerError(
        'DATA_VALUE',
        `${source.file}, ${placeOf(source, Number(found[0]!.row))}, column "${config.time.column}": the time ${time} is before ${before} of the event above it`,
        'Sort the file by time, or set time.order to any.',
      );
    }
    return this.unordered;
  }
}
