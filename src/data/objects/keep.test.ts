import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { S3Server } from '../../s3/testing/s3-server.js';
import { folderOf } from '../../testing/folder.js';
import type { LoadProgress } from '../load-options.js';
import { findObjects } from './find.js';
import { keepObjects, keptAt } from './keep.js';

const KEY = 'shop/events.csv';
let s3: S3Server;
let folder = '';
let onProgress: (progress: LoadProgress) => unknown;
beforeEach(async () => {
  s3 = await S3Server.start('logs');
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
  folder = join(folderOf({}), 'objects');
  onProgress = () => {};
  s3.objects.set(KEY, Buffer.from('0123456789'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await s3.stop();
});

const TABLE = { path: '', header: true, quote: '"', encoding: 'utf-8' as const, null: [''] };

/** Fetches what an address names. @returns the files, and what was told */
async function kept(place = `s3://logs/${KEY}`, beforeFetching = () => {}) {
  const stop = new AbortController();
  const objects = await findObjects(TABLE, place, stop.signal);
  const seen: LoadProgress[] = [];
  s3.log.length = 0;
  beforeFetching();
  const tell = (progress: LoadProgress) => {
    seen.push(progress);
    onProgress(progress);
  };
  await keepObjects(folder, objects, tell, stop);
  return { files: objects.map((one) => keptAt(folder, one)), seen };
}
const text = (file: string) => readFileSync(file, 'utf8');
/** Everything below the folder that is a file. */
const all = () =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    : [];
/** Answers the first GET with four bytes and breaks off once they have come, and the others as it is told. */
function breaksOff(others: (response: ServerResponse) => boolean): void {
  let gets = 0;
  s3.fault = (method, _, response) => {
    if (method !== 'GET') return false;
    if (gets++ > 0) return others(response);
    response.writeHead(200, { 'content-length': '10' }).write('0123');
    onProgress = ({ done }) => done === 4 && response.destroy();
    return true;
  };
}

test('an object is fetched once, and again when it has changed; its former state goes', async () => {
  const { files, seen } = await kept();
  expect(files[0]).toMatch(/events\.csv$/);
  expect(text(files[0]!)).toBe('0123456789');
  expect(seen.at(-1)).toEqual({ stage: `fetching s3://logs/${KEY} (0 kB)`, done: 10, total: 10 });
  expect((await kept()).seen).toEqual([]);
  expect(s3.log).toEqual([]);

  s3.objects.set(KEY, Buffer.from('9876543210'));
  const later = await kept();
  expect(text(later.files[0]!)).toBe('9876543210');
  expect(all().map(({ parentPath, name }) => join(parentPath, name))).toEqual(later.files);
  expect(dirname(dirname(later.files[0]!))).toBe(dirname(dirname(files[0]!)));
});

test('a transfer that breaks off goes on from where it was', async () => {
  breaksOff(() => false);
  expect(text((await kept()).files[0]!)).toBe('0123456789');
  expect(s3.log).toEqual([`GET ${KEY} 206`]);
});

test('a service that knows no ranges is read from the beginning', async () => {
  breaksOff((response) => response.writeHead(200).end('0123456789') !== undefined);
  const { files, seen } = await kept();
  expect(text(files[0]!)).toBe('0123456789');
  expect(seen.at(-1)).toMatchObject({ done: 10, total: 10 });
});

test('one that breaks off again and again is given up, and leaves nothing behind', async () => {
  breaksOff((response) => {
    response.writeHead(206, { 'content-length': '6' }).flushHeaders();
    return response.destroy() !== undefined;
  });
  await expect(kept()).rejects.toMatchObject({
    code: 'S3_UNREACHABLE',
    message: expect.stringContaining(`s3://logs/${KEY}: the transfer broke off after 4 of 10 bytes, again and again`),
  });
  expect(all()).toEqual([]);
});

test.each([
  ['changed', () => s3.objects.set(KEY, Buffer.from('9876543210'))],
  ['removed', () => s3.objects.delete(KEY)],
  [
    'made longer behind our back',
    () => {
      s3.fault = (_, __, response) => response.writeHead(200).end('0123456789-') !== undefined;
    },
  ],
])('an object that is %s under way is one clear error', async (_, change) => {
  await expect(kept(undefined, change)).rejects.toMatchObject({
    code: 'DATA_SOURCE',
    message: expect.stringContaining(`s3://logs/${KEY} was changed or removed while it was fetched`),
  });
  expect(all()).toEqual([]);
});

test('an object that would arrive unpacked is refused', async () => {
  s3.fault = (method, _, response) =>
    method === 'GET' && response.writeHead(200, { 'content-encoding': 'gzip' }).end() !== undefined;
  await expect(kept()).rejects.toThrow(`s3://logs/${KEY}: it is stored with "Content-Encoding: gzip"`);
});

test('what is larger than the disk is not begun', async () => {
  s3.objects.set('shop/huge.parquet', Buffer.from('1'));
  s3.fault = (_, key, response) => {
    if (key !== '') return false;
    const xml =
      '<ListBucketResult><Contents><Key>shop/huge.parquet</Key><Size>9000000000000000</Size><ETag>"e"</ETag></Contents></ListBucketResult>';
    return response.writeHead(200).end(xml) !== undefined;
  };
  await expect(kept('s3://logs/shop/')).rejects.toMatchObject({
    code: 'FILE_FAILED',
    message: expect.stringMatching(
      /objects: 9,000,000 GB are to be fetched, and there is room for [\d,.]+ GB\n {2}Make room/,
    ),
  });
  expect(s3.log).toEqual([]);
});

test('the first of several to fail ends the others; what was whole by then is kept', async () => {
  for (let i = 0; i < 9; i++) s3.objects.set(`many/part-${i}.parquet`, Buffer.from(`content ${i}`));
  s3.fault = (_, key, response) =>
    key.endsWith('part-4.parquet') && response.writeHead(403).end('<Code>AccessDenied</Code>') !== undefined;
  await expect(kept('s3://logs/many')).rejects.toThrow(
    's3://logs/many/part-4.parquet: the service answers 403 AccessDenied\n  The key needs s3:GetObject',
  );
  const before = all().length;
  expect(before).toBeLessThan(9);
  s3.fault = undefined;
  const { files, seen } = await kept('s3://logs/many');
  expect(s3.log).toHaveLength(9 - before);
  expect(files.map(text)).toEqual(Array.from({ length: 9 }, (_, i) => `content ${i}`));
  expect(seen.at(-1)).toMatchObject({ done: (9 - before) * 9, total: (9 - before) * 9 });
});

test('whoever is told of progress may end it', async () => {
  onProgress = ({ done }) => {
    if (done! > 0) throw new Error('stopped');
  };
  await expect(kept()).rejects.toThrow('stopped');
  expect(all()).toEqual([]);
});
