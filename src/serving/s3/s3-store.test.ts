import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { s3Address } from '../../s3/address.js';
import { openBucket } from '../../s3/bucket.js';
import { S3Server } from '../../s3/testing/s3-server.js';
import { temporaryFolder } from '../../testing/folder.js';
import { freePort } from '../../testing/free-port.js';
import { funnelOptions } from '../funnel-log/log.js';
import { serviceOptions } from '../http/options.js';
import { readManifest } from '../manifest.js';
import { type Published, publish } from '../publish.js';
import { serve } from '../serve.js';
import { listVersions, pointerText, readPointer, versionFolder } from '../store.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from '../testing/toy-store.js';
import { verifyFiles } from '../verify-files.js';
import { describeAnyStore, publishAnywhere, rollBackAnywhere, useVersionAnywhere } from './any-store.js';
import { openMirror } from './mirror.js';
import { sendVersion } from './remote-store.js';

const STORE = 's3://models/shop/v=1';
const log = { info: vi.fn(), warn: vi.fn() };

let toy: ToyRuns;
/** Three versions in a folder, for tests that send them themselves. */
let local: Published[];
let s3: S3Server;

beforeAll(async () => {
  toy = await toyRuns('retrieve');
  const store = join(toy.folder, 'store');
  local = [];
  for (let i = 0; i < 3; i++) local.push(await publish({ store, phases: toy.plans }));
  // Versions of one second are listed by what is drawn behind it.
  local.sort((a, b) => (a.id < b.id ? -1 : 1));
}, TOY_TIMEOUT);
afterAll(() => toy.remove());
beforeEach(async () => {
  s3 = await S3Server.start();
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
  log.warn.mockClear();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await s3.stop();
});

const bucket = () => openBucket(s3Address(STORE));
async function sent(which: number, use = true): Promise<string> {
  const { folder, id } = local[which]!;
  await sendVersion(await bucket(), folder, id);
  if (use) await useVersionAnywhere(STORE, id);
  return id;
}
async function mirrorTo(folder: string) {
  const mirror = await openMirror({ store: STORE, folder, pollMs: 0, log });
  onTestFinished(() => mirror.close());
  return mirror;
}

test('a version that is published to a bucket is served from it, and the next one after it', async () => {
  const { id, folder, pointer } = await publishAnywhere({ store: STORE, phases: toy.plans });
  expect({ folder, pointer }).toEqual({
    folder: `${STORE}/versions/${id}`,
    pointer: { format: 1, current: id, previous: [] },
  });
  // The pointer is written last, and the manifest last before it.
  const writes = s3.log.filter((line) => line.startsWith('PUT'));
  expect(writes.slice(-2)).toEqual([`PUT shop/v=1/versions/${id}/manifest.json 200`, 'PUT shop/v=1/current.json 200']);
  const cache = join(await temporaryFolder(), 'cache');
  const serving = await serve({
    ...{ store: STORE, cache, pollMs: 0, engine: { workers: 0 }, log: pino({ level: 'silent' }) },
    service: serviceOptions.parse({ port: 0 }),
    funnel: funnelOptions.parse({ share: 0 }),
  });
  onTestFinished(async () => void (await serving.stop()));
  const answered = async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"user":1,"k":3}' };
    return ((await (await fetch(`${serving.url}/v1/recommend`, init)).json()) as { version: string }).version;
  };
  expect(await answered()).toBe(id);
  const next = await sent(0);
  await serving.refresh();
  expect(await answered()).toBe(next);
  await rollBackAnywhere(STORE);
  await serving.refresh();
  expect(await answered()).toBe(id);
}, 60_000);

test('what is fetched has the checksums of its manifest, and is fetched once', async () => {
  const id = await sent(0);
  const cache = join(await temporaryFolder(), 'a', 'cache');
  const mirror = await mirrorTo(cache);
  expect(await readPointer(cache)).toEqual({ format: 1, current: id, previous: [] });
  const folder = versionFolder(cache, id);
  await verifyFiles(folder, await readManifest(folder));
  expect(await readFile(join(folder, 'manifest.json'))).toEqual(
    await readFile(join(local[0]!.folder, 'manifest.json')),
  );
  s3.log.length = 0;
  expect(await mirror.sync()).toBe(false);
  expect(s3.log).toEqual(['GET shop/v=1/current.json 304']);
  // Another start asks for the pointer and finds the version there.
  await mirrorTo(cache);
  expect(s3.log.slice(1)).toEqual(['GET shop/v=1/current.json 200']);
});

test('versions are listed, given a share and rolled back; half a version is none', async () => {
  const ids = [await sent(0), await sent(1), await sent(2, false)];
  s3.objects.delete(`shop/v=1/versions/${ids[2]}/manifest.json`);
  await expect(useVersionAnywhere(STORE, ids[2]!)).rejects.toThrow('manifest.json');
  expect((await describeAnyStore(STORE)).map(({ id, share }) => [id, share])).toEqual([
    [ids[0], 0],
    [ids[1], 1],
  ]);
  expect(await useVersionAnywhere(STORE, ids[0]!, 0.25)).toMatchObject({ trial: { version: ids[0], share: 0.25 } });
  const cache = await mirrorTo(await temporaryFolder());
  expect(await listVersions(cache.folder)).toEqual(ids.slice(0, 2));
  expect(await rollBackAnywhere(STORE)).toEqual({ format: 1, current: ids[1], previous: [ids[0]] });
  expect(await rollBackAnywhere(STORE)).toEqual({ format: 1, current: ids[0], previous: [] });
  await expect(rollBackAnywhere(STORE)).rejects.toThrow('no version before the current one');
  await expect(useVersionAnywhere(STORE, 'nothing')).rejects.toThrow(`${STORE} has no version "nothing"`);
});

test('an upload that breaks off leaves what was served', async () => {
  const id = await sent(0);
  let puts = 0;
  s3.fault = (method, _, response) => method === 'PUT' && ++puts > 2 && response.destroy() !== undefined;
  const { folder, id: other } = local[1]!;
  await expect(sendVersion(await bucket(), folder, other)).rejects.toMatchObject({ code: 'S3_UNREACHABLE' });
  s3.fault = undefined;
  await expect(useVersionAnywhere(STORE, other)).rejects.toThrow('manifest.json');
  expect(await readPointer((await mirrorTo(await temporaryFolder())).folder)).toMatchObject({ current: id });
  // Sent again it is whole.
  await sent(1);
  expect(await readPointer((await mirrorTo(await temporaryFolder())).folder)).toMatchObject({ current: other });
});

test('publications at the same time: no pointer is lost, and an answer that is lost on its way is no second change', async () => {
  const ids = [await sent(0, false), await sent(1, false), await sent(2, false)];
  await Promise.all(ids.map((id) => useVersionAnywhere(STORE, id)));
  const { current, previous } = JSON.parse(s3.objects.get('shop/v=1/current.json')!.toString());
  expect([...previous, current].sort()).toEqual(ids);
  let lost = 0;
  s3.fault = (method, key, response) => {
    if (method !== 'PUT' || lost++ > 0) return false;
    // Stored, and not answered.
    s3.objects.set(key, Buffer.from(pointerText({ format: 1, current: previous[1], previous: [previous[0]] })));
    response.destroy();
    return true;
  };
  expect(await rollBackAnywhere(STORE)).toEqual({ format: 1, current: previous[1], previous: [previous[0]] });
});

test('a transfer that breaks off is begun again, one that is damaged is refused; nothing half is left', async () => {
  const id = await sent(0);
  const key = `shop/v=1/versions/${id}/items.safetensors`;
  let broken = 0;
  s3.fault = (method, asked, response) => {
    if (method !== 'GET' || asked !== key || broken++ > 0) return false;
    const whole = s3.objects.get(key)!;
    response.writeHead(200, { 'content-length': whole.length }).write(whole.subarray(0, 100), () => response.destroy());
    return true;
  };
  await verifyFiles(versionFolder((await mirrorTo(await temporaryFolder())).folder, id), local[0]!.manifest);
  expect(broken).toBe(2);
  const bytes = Buffer.from(s3.objects.get(key)!);
  bytes[50]! ^= 1;
  s3.objects.set(key, bytes);
  const cache = await temporaryFolder();
  await expect(mirrorTo(cache)).rejects.toThrow(`${STORE}/versions/${id}/items.safetensors is damaged`);
  expect(await readdir(join(cache, 'versions'))).toEqual([]);
  expect(existsSync(join(cache, 'current.json'))).toBe(false);
});

test('a manifest that names files elsewhere is refused', async () => {
  const id = await sent(0);
  const key = `shop/v=1/versions/${id}/manifest.json`;
  const manifest = JSON.parse(s3.objects.get(key)!.toString());
  for (const name of ['../../../outside', '/outside', 'a/../../outside', '..', 'a//b']) {
    manifest.files = { [name]: { bytes: 1, sha256: '' } };
    s3.objects.set(key, Buffer.from(JSON.stringify(manifest)));
    await expect(mirrorTo(await temporaryFolder())).rejects.toThrow('its manifest names the file');
  }
});

test('a service that is away for a while: what was fetched is served on, and followed again', async () => {
  const id = await sent(0);
  const cache = await temporaryFolder();
  const mirror = await mirrorTo(cache);
  s3.fault = (_, __, response) => response.writeHead(503).end() !== undefined;
  await expect(mirror.sync()).rejects.toThrow('answers 503');
  const again = await mirrorTo(cache);
  expect(log.warn).toHaveBeenCalledWith(expect.stringContaining('what was fetched before is served on'));
  expect(await readPointer(cache)).toMatchObject({ current: id });
  s3.fault = undefined;
  const next = await sent(1);
  expect(await again.sync()).toBe(true);
  expect(await readPointer(cache)).toMatchObject({ current: next });
});

test('what cannot be asked is one clear error', async () => {
  await expect(mirrorTo(await temporaryFolder())).rejects.toThrow(`${STORE} has no current version`);
  await sent(0);
  const cache = await temporaryFolder();
  await mirrorTo(cache);
  await expect(openMirror({ store: 's3://models/other', folder: cache, log })).rejects.toThrow(`follows ${STORE}, not`);
  await expect(openMirror({ store: STORE, folder: join(toy.folder, 'store'), log })).rejects.toThrow(
    'is a store of its own',
  );
  const closed = await freePort();
  const refused = async (env: Record<string, string>) => {
    const all = { ...s3.env, ...env };
    return openMirror({ store: STORE, folder: await temporaryFolder(), log, env: all }).then(
      () => 'opened',
      (error: Error) => error.message,
    );
  };
  expect(await refused({ AWS_SECRET_ACCESS_KEY: 'wrong' })).toContain('answers 403 SignatureDoesNotMatch');
  expect(await refused({ AWS_ACCESS_KEY_ID: 'wrong' })).toContain('answers 403 InvalidAccessKeyId');
  expect(await refused({ AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${closed}` })).toContain(
    `nothing answers at 127.0.0.1:${closed} (ECONNREFUSED)`,
  );
  await expect(describeAnyStore('s3://elsewhere')).rejects.toThrow('answers 404 NoSuchBucket');
  const options = {
    service: serviceOptions.parse({}),
    funnel: funnelOptions.parse({ share: 0 }),
    log: pino({ level: 'silent' }),
  };
  await expect(serve({ store: STORE, ...options })).rejects.toThrow('needs a folder for what is fetched');
  const fleet = { ...options, cache, state: 'redis://127.0.0.1:1', funnel: funnelOptions.parse({ share: 0.1 }) };
  await expect(serve({ store: STORE, ...fleet })).rejects.toThrow('a bucket is none');
  await expect(serve({ store: toy.folder, cache, ...options })).rejects.toThrow('is a folder: nothing is fetched');
});
