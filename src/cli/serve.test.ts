import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publish } from '../serving/publish.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from '../serving/testing/toy-store.js';
import { spawnModule } from '../testing/child.js';
import { temporaryFolder } from '../testing/folder.js';
import { twotower } from './testing/twotower.js';

let toy: ToyRuns;
let store: string;

beforeAll(async () => {
  toy = await toyRuns('retrieve');
  store = join(toy.folder, 'store');
  await publish({ store, phases: toy.plans });
}, TOY_TIMEOUT);
afterAll(() => toy.remove());

test('serve answers until SIGTERM, then ends with 0', async () => {
  const child = spawnModule(
    new URL('testing/command.ts', import.meta.url),
    ...['serve', store, '--port', '0', '--workers', '0', '--log-level', 'silent', '--json'],
  );
  const exit = once(child, 'exit');
  let said = '';
  while (!said.includes('}')) said += String((await once(child.stdout!, 'data'))[0]);
  const { url, writeKey } = JSON.parse(said) as { url: string; writeKey: string };
  const answer = await fetch(`${url}/v1/recommend`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"user":1,"k":2}',
  });
  expect(((await answer.json()) as { items: unknown[] }).items).toHaveLength(2);
  const removed = await fetch(`${url}/v1/items`, {
    method: 'DELETE',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${writeKey}` },
    body: '{"keys":[1]}',
  });
  expect(await removed.json()).toEqual({ applied: 1, ignored: 0 });
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
}, 240_000);

test.each([
  [['--host', '0.0.0.0', '--port', '0'], '0.0.0.0'],
  [['--port', 'x'], 'whole number'],
  [['--port', '65536'], 'from 0 to 65535'],
  [['--log-share', '2'], 'between 0 and 1'],
  [['--log-level', 'loud'], 'one of'],
  [['--keys', 'nowhere.yaml'], 'nowhere.yaml'],
])('serve with %j is refused', async (args, says) => {
  const { code, stderr } = await twotower('serve', store, '--workers', '0', ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(says);
});

test('serving what is no store says how to make one', async () => {
  const { code, stderr } = await twotower('serve', toy.folder);
  expect(code).not.toBe(0);
  expect(stderr).toContain('twotower publish');
});

test('keys adds a key whose hash alone is in the file', async () => {
  const file = join(await temporaryFolder(), 'keys.yaml');
  const first = JSON.parse((await twotower('keys', file, '--name', 'shop', '--role', 'write', '--json')).stdout);
  expect(first).toMatchObject({ file, name: 'shop', role: 'write', key: expect.stringMatching(/^tt_/) });
  expect((await twotower('keys', file, '--name', 'feed')).code).toBe(0);
  const text = readFileSync(file, 'utf8');
  expect(text).not.toContain(first.key);
  expect(text.match(/role: (read|write)/g)).toEqual(['role: write', 'role: read']);
  expect((await twotower('keys', file, '--name', 'shop')).stderr).toContain('has a key named "shop"');
  expect((await twotower('keys', file, '--name', 'x', '--role', 'admin')).code).toBe(2);
  expect((await twotower('keys', file, '--name', ' ')).stderr).toContain('A key has the name of whoever uses it');
});

test('funnel-log says how to get one where there is none', async () => {
  const { code, stderr } = await twotower(
    ...['funnel-log', store, '--like', join(toy.folder, 'data', 'dataset.yaml'), '--out', join(toy.folder, 'x')],
  );
  expect(code).not.toBe(0);
  expect(stderr).toContain('--log-share');
});
