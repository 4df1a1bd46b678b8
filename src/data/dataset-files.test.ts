import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { S3Server } from '../s3/testing/s3-server.js';
import { folderOf } from '../testing/folder.js';
import { type DatasetConfig, parseDatasetConfig } from './config.js';
import { datasetFiles } from './dataset-files.js';
import { hashesOf } from './dataset-hash.js';
import { loadDataset, loadWithReport } from './load.js';
import { loadStreamed } from './stream/load.js';
import { SHOP, SHOP_FILES } from './testing/shop.js';

/** A copy of the bucket on the disk. */
let copy = '';
let s3: S3Server;
let objects = '';

beforeAll(async () => {
  s3 = await S3Server.start('logs');
  copy = folderOf({});
  const shop = join(copy, 'my shop');
  cpSync(folderOf(SHOP_FILES), shop, { recursive: true });
  mkdirSync(join(shop, 'events'));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  for (const [part, from, count] of [
    ['part-0', 0, 4],
    ['part-1', 4, 3],
    ['part-10', 7, 3],
  ]) {
    const rows = `SELECT * FROM '${shop}/events.csv' LIMIT ${count} OFFSET ${from}`;
    await connection.run(`COPY (${rows}) TO '${shop}/events/${part}.parquet'`);
  }
  connection.closeSync();
});
afterAll(() => s3.stop());
beforeEach(() => {
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
  s3.objects.clear();
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) s3.objects.set(path.slice(copy.length + 1), readFileSync(path));
  }
  s3.objects.set('my shop/events/_SUCCESS', Buffer.alloc(0));
  s3.objects.set('empty/', Buffer.alloc(0));
  s3.log.length = 0;
  objects = folderOf({});
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** The shop with its data folder there, and its events. */
function shopIn(root: string, events = 'events.csv'): DatasetConfig {
  const text = SHOP.replace('path: events.csv', `path: "${events}"`);
  return parseDatasetConfig(`root: ${JSON.stringify(root)}\n${text}`, join(copy, 'shop.yaml'));
}
const gets = () => s3.log.filter((line) => line.startsWith('GET my shop/'));

test('a data folder in a bucket: every table of it, and the hash of the same files on a disk', async () => {
  const { dataset, report } = await loadWithReport(shopIn('s3://logs/my shop'), { objects });
  expect(dataset).toEqual(await loadDataset(shopIn('my shop')));
  expect(report.sources.map(({ file }) => file)).toEqual([
    's3://logs/my shop/users.csv',
    's3://logs/my shop/products.jsonl',
    's3://logs/my shop/events.csv',
  ]);
  expect(gets()).toHaveLength(3);
});

/** Hashes of a description, and the names of the files of its events. */
async function hashed(config: DatasetConfig) {
  const files = await datasetFiles(config, { objects });
  const events = files.get(config.tables.events)!;
  return { ...(await hashesOf(config, files)), events: events.files.map(({ path }) => basename(path)) };
}

test.each([
  'my shop/events/',
  'my shop/events',
  'my shop/events/*.parquet',
  'my shop/events/part-?*.parquet',
  'my shop/events.csv',
])('events at an address, all else on the disk, are those of a copy of the bucket: %s', async (events) => {
  const described = (path: string) => {
    const config = { ...shopIn('.', path), root: copy };
    const { users, items } = config.tables;
    config.tables.users = { ...users!, path: 'my shop/users.csv' };
    config.tables.items = { ...items!, path: 'my shop/products.jsonl' };
    return config;
  };
  expect(await hashed(described(`s3://logs/${events}`))).toEqual(await hashed(described(events)));
  expect(gets()).toHaveLength(events.endsWith('.csv') ? 1 : 3);
});

test('a streamed log keeps what it fetched beside its windows, and asks whether it is the same', async () => {
  const cache = folderOf({});
  const config = shopIn('s3://logs/my shop', 'events/*.parquet');
  const { stream, hash } = await loadStreamed(config, { window: 10, cache });
  expect(hash).toBe((await hashed(shopIn('my shop', 'events/*.parquet'))).hash);
  expect(dirname(stream!.folder)).toBe(cache);
  expect(readdirSync(join(cache, 'objects'))).toHaveLength(5);
  expect(gets()).toHaveLength(5);
  s3.log.length = 0;
  const stages: string[] = [];
  await loadStreamed(config, { window: 10, cache }, { onProgress: ({ stage }) => stages.push(stage) });
  expect(gets()).toEqual([]);
  expect(stages).toEqual(
    ['users.csv', 'products.jsonl', 'events/*.parquet'].map((path) => `looking for s3://logs/my shop/${path}`),
  );
});

test('what users did before may lie in a bucket too', async () => {
  s3.objects.set('seeds/before.jsonl', Buffer.from('{"user": 2, "past": ["a", "b"]}\n'));
  const seed = '{path: "s3://logs/seeds/before.jsonl", key: user, items: past}';
  const text = SHOP.replace('maxLength: 3,', `maxLength: 3, seed: ${seed},`);
  const config = parseDatasetConfig(text, join(copy, 'my shop', 'shop.yaml'));
  const { histories } = await loadDataset(config, { objects });
  const [from, to] = histories[0]!.offsets.slice(2, 4);
  // Oslo's user: what the seed tells, before the one purchase of the log.
  expect([...histories[0]!.item.slice(from, to)]).toEqual([1, 2, 1]);
});

test('a bad row is named by its address', async () => {
  s3.objects.set('my shop/users.csv', Buffer.from('id,city,age\n1,Rome,thirty\n'));
  await expect(loadDataset(shopIn('s3://logs/my shop'), { objects })).rejects.toThrow(
    's3://logs/my shop/users.csv, row 1 (line 2), column "age": "thirty"',
  );
  const required = (events: string) => {
    const config = shopIn('s3://logs/my shop', events);
    return { ...config, time: { ...config.time, order: 'required' as const } };
  };
  s3.objects.set('my shop/users.csv', Buffer.from(SHOP_FILES['users.csv']));
  await expect(loadDataset(required('events/'), { objects })).rejects.toThrow(
    's3://logs/my shop/events/, row 4 of part-0.parquet, column "at": the time 25 is before 30',
  );
  s3.objects.set('my shop/products.jsonl', Buffer.from(`${SHOP_FILES['products.jsonl']}{"id": \n`));
  await expect(loadDataset(shopIn('s3://logs/my shop'), { objects })).rejects.toThrow(
    's3://logs/my shop/products.jsonl, row 5 (line 5): malformed JSON',
  );
});

test.each([
  ['s3://logs/nothing.csv', 'DATA_SOURCE', 's3://logs/nothing.csv: there is no such object\n  Check `path`'],
  ['s3://logs/nothing/', 'DATA_SOURCE', 's3://logs/nothing/: nothing lies there'],
  ['s3://logs/empty/', 'DATA_SOURCE', 's3://logs/empty/: nothing lies there'],
  ['s3://logs/my shop/', 'DATA_SOURCE', 's3://logs/my shop/: none of the 3 objects there is a Parquet file'],
  ['s3://logs/my shop/*.pq', 'DATA_SOURCE', 's3://logs/my shop/*.pq: no object fits'],
  ['s3://logs/my shop/*', 'DATA_SOURCE', 'my shop/events.csv: one of several files of a table, and not Parquet'],
  [
    's3://logs/my shop/events/*',
    'DATA_SOURCE',
    's3://logs/my shop/events/_SUCCESS: cannot tell the format by the name',
  ],
  ['s3://logs/*/events.csv', 'DATA_SOURCE', 's3://logs/*/events.csv is no address of objects\n  Write s3://BUCKET/KEY'],
  ['s3://logs//events.csv', 'DATA_SOURCE', 's3://logs//events.csv is no address of objects'],
  ['s3://LOGS/events.csv', 'DATA_SOURCE', 's3://LOGS/events.csv is no address of objects'],
  [
    's3://elsewhere/events/',
    'S3_REFUSED',
    's3://elsewhere/events: the service answers 404 NoSuchBucket\n  Make the bucket',
  ],
])('%s is refused with one error', async (path, code, message) => {
  const told = { code, message: expect.stringContaining(message) };
  await expect(loadDataset(shopIn('my shop', path), { objects })).rejects.toMatchObject(told);
  expect(readdirSync(objects)).toEqual([]);
});

test.each([
  [{ AWS_ACCESS_KEY_ID: '' }, 'USAGE', 'AWS_ACCESS_KEY_ID is not set'],
  [{ AWS_ACCESS_KEY_ID: 'other' }, 'S3_REFUSED', 'answers 403 InvalidAccessKeyId'],
  [{ AWS_SECRET_ACCESS_KEY: 'other' }, 'S3_REFUSED', 'answers 403 SignatureDoesNotMatch'],
  [{ AWS_REGION: 'elsewhere' }, 'S3_REFUSED', 'The bucket is in another region: set AWS_REGION'],
])('with %o nothing is loaded', async (env, code, message) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const told = { code, message: expect.stringContaining(message) };
  await expect(loadDataset(shopIn('s3://logs/my shop'), { objects })).rejects.toMatchObject(told);
});

test('an object that may not be read is told from one that is not there', async () => {
  s3.fault = (method, _, response) => method === 'HEAD' && response.writeHead(403).end() !== undefined;
  await expect(loadDataset(shopIn('my shop', 's3://logs/my shop/events.csv'), { objects })).rejects.toThrow(
    's3://logs/my shop/events.csv: the key may not read it\n  The key needs s3:GetObject',
  );
  s3.fault = undefined;
});

test('what is missing on the disk is told before a bucket is asked', async () => {
  const config = shopIn('nothing', 's3://logs/my shop/events/');
  await expect(loadDataset(config, { objects })).rejects.toThrow('nothing/users.csv: there is no such file');
  expect(s3.log).toEqual([]);
});

test('a truth is read from a disk', async () => {
  const config = { ...shopIn('s3://logs/my shop'), truth: 'truth' };
  await expect(loadDataset(config, { objects })).rejects.toThrow('truth: the data folder is s3://logs/my shop');
});
