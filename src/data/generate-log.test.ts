import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fieldsOf, readDatasetConfig } from './config.js';
import { writeGeneratedLog } from './generate-log.js';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'twotower-generate-log-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const sizes = { events: 4000, users: 100, items: 50, days: 10 };

async function query(sql: string): Promise<Record<string, unknown>> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const [row] = (await connection.runAndReadAll(sql)).getRowObjectsJson();
  connection.closeSync();
  return row ?? {};
}

test('writes three tables of the size asked for, in time order, with keys that refer to something', async () => {
  const file = await writeGeneratedLog(join(dir, 'log'), sizes);
  const table = (name: string) => `'${join(dir, 'log', `${name}.parquet`)}'`;
  const found = await query(
    `SELECT count(*)::INT AS events, count(DISTINCT request_id)::INT AS requests, max(user_id) < 100 AND max(item_id) < 50 AS known,
       bool_and(ordered) AS ordered, max(time) - min(time) BETWEEN 860000 AND 864000 AS ten_days, avg(click) BETWEEN 0.25 AND 0.5 AS rate
     FROM (SELECT *, time >= lag(time, 1, 0) OVER () AS ordered FROM ${table('events')})`,
  );
  expect(found).toEqual({ events: 4000, requests: 1000, known: true, ordered: true, ten_days: true, rate: true });
  expect(await query(`SELECT count(*)::INT AS n FROM ${table('users')}`)).toEqual({ n: 100 });
  expect(await query(`SELECT count(*)::INT AS n FROM ${table('items')}`)).toEqual({ n: 50 });

  const config = readDatasetConfig(file);
  expect(fieldsOf(config)).toHaveLength(10);
  expect(config.root).toBe(join(dir, 'log'));
});

test('the same options write the same bytes, another seed other ones, and CSV is as well', async () => {
  const write = async (name: string, seed: number) => {
    await writeGeneratedLog(join(dir, name), { ...sizes, seed, format: 'csv' });
    return readFile(join(dir, name, 'events.csv'), 'utf8');
  };
  const first = await write('a', 1);
  expect(first.split('\n', 1)[0]).toBe('user_id,item_id,request_id,time,surface,click,seconds');
  expect(await write('b', 1)).toBe(first);
  expect(await write('c', 2)).not.toBe(first);
});
