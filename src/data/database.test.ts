import { readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { spawnModule } from '../testing/child.js';
import { folderOf } from '../testing/folder.js';
import { Database } from './database.js';

test('a process that is stopped leaves no database in the temporary folder', async () => {
  const temporary = folderOf({});
  vi.stubEnv('TMPDIR', temporary);
  const child = spawnModule(new URL('testing/open-database.ts', import.meta.url));
  vi.unstubAllEnvs();
  const end = new Promise((done) => child.once('exit', (_, signal) => done(signal)));
  await new Promise((ready) => child.stdout!.once('data', ready));
  expect(readdirSync(temporary).filter((name) => name.startsWith('twotower-'))).toHaveLength(1);
  child.kill('SIGINT');
  expect(await end).toBe('SIGINT');
  expect(readdirSync(temporary).filter((name) => name.startsWith('twotower-'))).toEqual([]);
});

test('nothing listens to signals once the last database is closed', async () => {
  const before = process.listenerCount('SIGINT');
  const [one, other] = await Promise.all([Database.open('64MB'), Database.open('64MB')]);
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  one.close();
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  other.close();
  expect(process.listenerCount('SIGINT')).toBe(before);
});
