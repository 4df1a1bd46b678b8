import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/folder.js';
import { refuseUsedFolder } from './folder.js';
import { refuseForeignFolder, refuseUnwritable } from './writable.js';

test('a path below a file is refused before any work', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  for (const refuse of [refuseUnwritable, refuseUsedFolder, (path: string) => refuseForeignFolder(path, [])]) {
    expect(() => refuse(join(folder, 'file', 'deeper', 'run'))).toThrow(
      `${join(folder, 'file')} is a file, where a folder`,
    );
    expect(() => refuse(join(folder, 'new', 'deeper'))).not.toThrow();
  }
});

test('only what the same command left is gone on with', async () => {
  const folder = await temporaryFolder();
  expect(() => refuseForeignFolder(folder, ['trials'])).not.toThrow();
  await mkdir(join(folder, '.results.json.17-1.partial'));
  expect(() => refuseForeignFolder(folder, ['trials'])).not.toThrow();
  await writeFile(join(folder, 'thesis.tex'), '');
  expect(() => refuseForeignFolder(folder, ['trials'])).toThrow(
    /holds thesis\.tex, and nothing of .*\n {2}Name another --out/,
  );
  await mkdir(join(folder, 'trials'));
  expect(() => refuseForeignFolder(folder, ['trials'])).not.toThrow();
});
