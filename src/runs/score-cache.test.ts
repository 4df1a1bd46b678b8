import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/folder.js';
import { keptScores, scoreKey } from './score-cache.js';

/** 100 scores under a name; whether they had to be computed. */
async function ask(folder: string, name: string, most?: number): Promise<boolean> {
  let computed = false;
  const warn = (message: string) => expect.unreachable(message);
  const scores = await keptScores({ folder, warn, ...(most && { most }) }, scoreKey([name]), 100, async () => {
    computed = true;
    return new Float32Array(100).fill(name.charCodeAt(0));
  });
  expect(scores).toEqual(new Float32Array(100).fill(name.charCodeAt(0)));
  return computed;
}

/** Makes a name's file as if it had been used last in the year `year`. */
async function lastUsed(folder: string, name: string, year: number): Promise<void> {
  const time = new Date(Date.UTC(year, 0));
  await utimes(join(folder, `${scoreKey([name]).slice(0, 32)}.f32`), time, time);
}

const kept = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith('.f32')).length;

test('what was not used for longest goes when there is too much; files of others stay', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'notes.txt'), 'x'.repeat(10_000));
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    expect(await ask(folder, name)).toBe(true);
    await lastUsed(folder, name, 2001 + i);
  }
  const { size } = await stat(join(folder, `${scoreKey(['a']).slice(0, 32)}.f32`));
  // Reading is use: now b is the oldest.
  expect(await ask(folder, 'a')).toBe(false);
  expect(await ask(folder, 'd', 3 * size)).toBe(true);
  expect(await kept(folder)).toBe(3);
  expect(await readdir(folder)).toContain('notes.txt');
  for (const name of ['a', 'c', 'd']) expect(await ask(folder, name), name).toBe(false);
  expect(await ask(folder, 'b')).toBe(true);
});

test('what was just computed is kept even where it alone is too much', async () => {
  const folder = await temporaryFolder();
  await ask(folder, 'a', 1);
  expect(await ask(folder, 'a', 1)).toBe(false);
  await ask(folder, 'b', 1);
  expect(await kept(folder)).toBe(1);
  expect(await ask(folder, 'b', 1)).toBe(false);
});
