import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, expect, test } from 'vitest';
import { folderOf } from '../testing/folder.js';
import type { DatasetConfig } from './config.js';
import { placeOfTable } from './files-of-table.js';
import { loadDataset } from './load.js';
import { SHOP_FILES, shop } from './testing/shop.js';

let folder = '';
const parts = ['part-0.parquet', 'part-1.parquet', 'part-10.parquet'];

beforeAll(async () => {
  folder = folderOf({});
  mkdirSync(join(folder, 'events'));
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'events.csv'), SHOP_FILES['events.csv']);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  for (const [i, part] of parts.entries()) {
    const bounds = [0, 4, 7, 10];
    await connection.run(
      `COPY (SELECT * FROM '${folder}/events.csv' LIMIT ${bounds[i + 1]! - bounds[i]!} OFFSET ${bounds[i]}) TO '${join(folder, 'events', part)}'`,
    );
  }
  await connection.run(`COPY (SELECT 'word' AS "user") TO '${join(folder, 'other.parquet')}'`);
  connection.closeSync();
});

const withEvents = (path: string, edit = (text: string) => text): DatasetConfig =>
  shop({}, (text) => edit(text.replace('path: events.csv', `path: "${path}"`)));

test.each(['events', 'events/*.parquet', 'events/part-?*.parquet'])(
  'the Parquet files of %s are one table, in the order of their names',
  async (path) => {
    const { hash: _, logHash: __, ...dataset } = await loadDataset(withEvents(join(folder, path)));
    const { hash: ___, logHash: ____, ...single } = await loadDataset(shop());
    expect(dataset).toEqual(single);
  },
);

test('a bad row is named by its file', async () => {
  const required = withEvents(join(folder, 'events'), (text) =>
    text.replace('{column: at}', '{column: at, order: required}'),
  );
  await expect(loadDataset(required)).rejects.toThrow('row 4 of part-0.parquet, column "at": the time 25 is before 30');
  const flag = withEvents(join(folder, 'events'), (text) =>
    text.replace('feedback: [bought]', 'feedback: [bought, user, place]'),
  );
  await expect(loadDataset(flag)).rejects.toThrow('row 1 of part-0.parquet, column "place"');
});

test.each([
  ['nothing', /nothing: there is no such file/],
  ['*.pq', /\*\.pq: no file fits/],
  ['events/part-[0].parquet', /part-\[0\]\.parquet: there is no such file/],
  ['*.csv', /events\.csv: one of several files of a table, and not Parquet/],
  ['empty', /empty: there is no Parquet file in the folder/],
  ['{events,other}*', /no file fits/],
])('%j is refused with one error', async (path, message) => {
  await expect(loadDataset(withEvents(join(folder, path)))).rejects.toThrow(message);
});

test('another address is no file', async () => {
  await expect(loadDataset(withEvents('https://bucket/events.parquet'))).rejects.toThrow(
    'https://bucket/events.parquet is an address, and files are read from a disk or a bucket alone\n  Write s3://BUCKET/KEY',
  );
});

test.each([
  ['events.csv', '/data', '/data/events.csv'],
  ['/logs/events.csv', '/data', '/logs/events.csv'],
  ['events/*.parquet', 's3://logs/shop/', 's3://logs/shop/events/*.parquet'],
  ['events/', 's3://logs', 's3://logs/events/'],
  ['../users.csv', 's3://logs/shop', 's3://logs/users.csv'],
  ['/logs/events.csv', 's3://logs/shop', '/logs/events.csv'],
  ['s3://other/events/', 's3://logs/shop', 's3://other/events/'],
  ['s3://other/events/', '/data', 's3://other/events/'],
  ['events.csv', 's3:logs', 's3:logs/events.csv'],
])('%s in the data folder %s is %s', (path, root, place) => {
  expect(placeOfTable({ path }, root)).toBe(place);
});
