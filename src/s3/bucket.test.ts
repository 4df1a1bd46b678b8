import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { bucketAddress } from './address.js';
import { openBucket } from './bucket.js';
import { S3Server } from './testing/s3-server.js';

let s3: S3Server;
beforeAll(async () => {
  s3 = await S3Server.start('logs');
});
afterAll(() => s3.stop());
beforeEach(() => {
  s3.objects.clear();
  s3.log.length = 0;
});

const open = (prefix: string) => openBucket(bucketAddress('logs', prefix, s3.env));
const put = (key: string, content: string) => s3.objects.set(key, Buffer.from(content));

test('what lies in a folder itself is listed page by page, with whatever names', async () => {
  const names = ['+a b.parquet', "day=2024-01-01T00:00 (1)*'!.parquet", 'ein & <Übel>.parquet', 'z%2F.parquet'];
  for (const name of names) put(`shop/v=1/${name}`, name);
  put('shop/v=1/deeper/a.parquet', '');
  put('shop/v=10.parquet', '');
  const bucket = await open('shop/v=1');
  const objects = await bucket.objects();
  expect(objects.map(({ key }) => key).sort()).toEqual(names.toSorted());
  for (const object of objects) {
    expect(await bucket.head(object.key)).toEqual(object);
    expect(await ((await bucket.read(object, 0)) as Response).text()).toBe(object.key);
  }
  expect((await bucket.objects('day=')).map(({ key }) => key)).toEqual([names[1]]);
  expect((await (await open('')).objects()).map(({ key }) => key)).toEqual([]);
  expect((await (await open('shop')).objects('v=1')).map(({ key }) => key)).toEqual(['v=10.parquet']);
});

test('an object is read from any byte on, as long as it is the same', async () => {
  put('a/b', '0123456789');
  const bucket = await open('a');
  const object = (await bucket.head('b')) as Exclude<Awaited<ReturnType<typeof bucket.head>>, string | undefined>;
  const text = async (from: number) => ((await bucket.read(object, from)) as Response).text();
  expect(await text(0)).toBe('0123456789');
  expect(await text(7)).toBe('789');
  put('a/b', '9876543210');
  expect(await bucket.read(object, 7)).toBe('changed');
  // Where a service looks at no condition, the ETag of its answer tells.
  s3.fault = (_, __, response) => response.writeHead(200, { etag: '"other"' }).end('98') !== undefined;
  expect(await bucket.read(object, 0)).toBe('changed');
  s3.fault = undefined;
  s3.objects.clear();
  expect(await bucket.read(object, 0)).toBe('changed');
  expect(await bucket.head('b')).toBeUndefined();
});

test('a refusal is told with the code of the service, as far as it has one', async () => {
  const wrong = await openBucket({ ...bucketAddress('logs', 'a', s3.env), secretAccessKey: 'wrong' });
  expect(await wrong.head('b')).toBe('refused');
  const refused = { code: 'S3_REFUSED', message: expect.stringContaining('answers 403 SignatureDoesNotMatch') };
  await expect(wrong.objects()).rejects.toMatchObject(refused);
  await expect(wrong.read({ key: 'b', bytes: 1, etag: '"e"' }, 0)).rejects.toMatchObject(refused);
  const nowhere = await openBucket(bucketAddress('elsewhere', '', s3.env));
  await expect(nowhere.objects()).rejects.toThrow('s3://elsewhere: the service answers 404 NoSuchBucket');
  await expect(nowhere.read({ key: 'b', bytes: 1, etag: '"e"' }, 0)).rejects.toThrow('NoSuchBucket');
});
