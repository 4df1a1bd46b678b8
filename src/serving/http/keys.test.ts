import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { temporaryFolder } from '../../testing/folder.js';
import { createKey, KeyRing, presentedKey, readKeyFile } from './keys.js';
import { ROUTES } from './routes.js';
import { startService } from './testing/start.js';

test('a key is found by its hash alone, and no other is', () => {
  const [one, other] = [createKey('shop', 'read'), createKey('feed', 'write')];
  const ring = new KeyRing([one.entry, other.entry], false);
  expect(JSON.stringify(one.entry)).not.toContain(one.key);
  expect(ring.find(one.key)).toEqual(expect.objectContaining({ name: 'shop', role: 'read' }));
  expect(ring.find(other.key)?.role).toBe('write');
  expect(ring.find(`${one.key}x`)).toBeUndefined();
  expect(ring.find(one.entry.sha256)).toBeUndefined();
  expect(ring.find('')).toBeUndefined();
});

test.each([
  [{ authorization: 'Bearer abc' }, 'abc'],
  [{ authorization: 'bearer abc' }, 'abc'],
  [{ 'x-api-key': 'abc' }, 'abc'],
  [{ authorization: 'Basic abc' }, undefined],
  [{ authorization: 'Bearer' }, undefined],
  [{ 'x-api-key': '' }, undefined],
  [{}, undefined],
])('the key of %j is %s', (headers, key) => {
  expect(presentedKey(headers)).toBe(key);
});

test('a key file is read, and a mistake in it is named with its line', async () => {
  const file = join(await temporaryFolder(), 'keys.yaml');
  const { entry } = createKey('shop', 'write');
  writeFileSync(file, stringify({ keys: [entry] }));
  expect(readKeyFile(file)).toEqual([entry]);
  writeFileSync(file, stringify({ keys: [{ ...entry, roll: 'x' }] }));
  expect(() => readKeyFile(file)).toThrow(/keys\.yaml:\d+: keys\.0\.roll: unknown key "roll", did you mean "role"/);
});

test('every route of the API asks for the key that its role needs: all that change something, without exception', async () => {
  const { service, call, readKey, writeKey } = await startService({ closed: true });
  // Each is in the router, and the router has nothing that changes something besides.
  for (const { method, path } of ROUTES) expect(service.app.hasRoute({ method, url: path })).toBe(true);
  const open = new Set(['GET /openapi.json', 'GET /healthz', 'GET /readyz']);
  for (const { method, path, role } of ROUTES) {
    const url = path.replace(':key', '1');
    const body = method === 'GET' ? undefined : {};
    const name = `${method} ${path}`;
    expect((await call(method, url, body)).status, `${name} without a key`).toBe(401);
    expect((await call(method, url, body, { key: 'tt_wrong' })).status, `${name} with a wrong key`).toBe(401);
    const reading = (await call(method, url, body, { key: readKey })).status;
    if (role === 'write') expect(reading, `${name} with a reading key`).toBe(403);
    else expect([200, 400, 404], `${name} with a reading key`).toContain(reading);
    const writing = (await call(method, url, body, { key: writeKey })).status;
    expect([200, 400, 404], `${name} with a writing key`).toContain(writing);
  }
  for (const name of open) expect((await call('GET', name.slice(4))).status, name).toBe(200);
  // What the framework adds by itself is guarded too.
  expect((await call('HEAD', '/v1/versions')).status).toBe(401);
});

test('without keys reading is open on loopback, and changing still needs one', async () => {
  const { call, writeKey } = await startService();
  expect((await call('POST', '/v1/recommend', {})).status).toBe(200);
  for (const { method, path, role } of ROUTES) {
    if (role === 'write') expect((await call(method, path, {})).status, `${method} ${path}`).toBe(401);
  }
  expect((await call('DELETE', '/v1/items', { keys: ['1'] }, { key: writeKey })).json).toEqual({
    applied: 1,
    ignored: 0,
  });
});
