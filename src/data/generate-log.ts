import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { stringify } from 'yaml';

export interface GenerateLogOptions {
  /** 20 million unless given. */
  events?: number;
  users?: number;
  items?: number;
  days?: number;
  seed?: number;
  /** Parquet unless given. */
  format?: 'parquet' | 'csv';
}

/**
 * Writes an invented log of any size, its users and items as three files, and `dataset.yaml` that describes them: ten fields
 * (four of users, four of items, two of the context), two feedback columns and a history. DuckDB makes every row from a hash
 * of its number, so that 20 million events take seconds and any two runs agree.
 *
 * @returns the path of the description.
 */
export async function writeGeneratedLog(dir: string, options: GenerateLogOptions = {}): Promise<string> {
  const { events = 20_000_000, users = 1_000_000, items = 200_000, days = 30, seed = 1, format = 'parquet' } = options;
  await mkdir(dir, { recursive: true });
  const queries = {
    users: usersQuery(users, seed),
    items: itemsQuery(items, seed),
    events: eventsQuery(events, users, items, days, seed),
  };
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const [table, query] of Object.entries(queries)) {
      const target = join(dir, `${table}.${format}`).replaceAll("'", "''");
      await connection.run(
        `COPY (${query}) TO '${target}' (${format === 'csv' ? 'FORMAT csv, HEADER' : 'FORMAT parquet'})`,
      );
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  const file = join(dir, 'dataset.yaml');
  await writeFile(file, stringify(description(format)));
  return file;
}

/** SQL of a uniform number in [0, 1) that follows from a key, a name and the seed. */
function uniform(key: string, name: string, seed: number): string {
  return `((hash(${key}, '${name}', ${Math.trunc(seed)}) >> 11)::DOUBLE / 9007199254740992)`;
}

/** SQL of a whole number below `n`; with a `skew` above 1 small numbers come more often. */
function below(n: number, key: string, name: string, seed: number, skew = 1): string {
  return `floor(pow(${uniform(key, name, seed)}, ${skew}) * ${Math.trunc(n)})::INTEGER`;
}

function usersQuery(users: number, seed: number): string {
  return `SELECT i AS user_id, 15 + ${below(60, 'i', 'age', seed)} AS age, 'c' || ${below(200, 'i', 'country', seed, 2)} AS country,
    'd' || ${below(12, 'i', 'device', seed)} AS device FROM range(${users}) t(i)`;
}

function category(item: string, seed: number): string {
  return below(50, item, 'category', seed);
}

function itemsQuery(items: number, seed: number): string {
  return `SELECT i AS item_id, 'g' || ${category('i', seed)} AS category, 'a' || ${below(items / 5 + 1, 'i', 'author', seed, 2)} AS author,
    's' || ${below(40, 'i', 'tag 1', seed)} || ',s' || (40 + ${below(40, 'i', 'tag 2', seed)}) AS tags FROM range(${items}) t(i)`;
}

/** Four events share a request. A user's liking of a category, the item's quality and the surface are what there is to learn. */
function eventsQuery(events: number, users: number, items: number, days: number, seed: number): string {
  const shown = `SELECT i, i // 4 AS request_id, 1704067200 + floor((i // 4) * ${(4 * days * 86400) / events})::BIGINT AS time,
    ${below(users, 'i // 4', 'user', seed, 2)} AS user_id, ${below(items, 'i', 'item', seed, 2)}::BIGINT AS item_id,
    ${below(3, 'i // 4', 'surface', seed)} AS place FROM range(${events}) t(i)`;
  const taste = uniform(`user_id * 50::BIGINT + ${category('item_id', seed)}`, 'taste', seed);
  const logit = `4 * (${taste} - 0.5) + 2 * (${uniform('item_id', 'quality', seed)} - 0.5) + 0.4 * place - 1.2`;
  const clicked = `SELECT *, (${uniform('i', 'click', seed)} < 1 / (1 + exp(-(${logit}))))::INTEGER AS click FROM (${shown})`;
  return `SELECT user_id, item_id, request_id, time, 'p' || place AS surface, click,
    click * (1 + ${below(300, 'i', 'seconds', seed)}) AS seconds FROM (${clicked})`;
}

function description(format: string): object {
  const path = (table: string) => ({ path: `${table}.${format}` });
  return {
    name: 'generated-log',
    tables: {
      events: path('events'),
      users: { ...path('users'), key: 'user_id' },
      items: { ...path('items'), key: 'item_id' },
    },
    user: 'user_id',
    item: 'item_id',
    time: { column: 'time', unit: 's' },
    request: 'request_id',
    feedback: ['click', 'seconds'],
    label: 'click',
    fields: {
      user: {
        user_id: 'id',
        age: { kind: 'numeric', standardise: true },
        country: 'categorical',
        device: 'categorical',
      },
      item: { item_id: 'id', category: 'categorical', author: 'categorical', tags: 'multi-categorical' },
      context: { surface: 'categorical', hour: 'hour-of-day' },
    },
    histories: { clicks: { positive: 'click', maxLength: 20, features: ['item_id', 'category', 'author'] } },
    split: { train: 0.8, validation: 0.1 },
  };
}
