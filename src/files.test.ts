import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256, writeFileAtomic, writeFolderAtomic } from './files.js';
import { killAfter, spawnModule } from './testing/child.js';
import { temporaryFolder } from './testing/folder.js';

describe('writeFileAtomic', () => {
  test('writes text and bytes, makes the folder, replaces what was there, leaves nothing else', async () => {
    const folder = join(await temporaryFolder(), 'new');
    await writeFileAtomic(join(folder, 'a'), 'one');
    await writeFileAtomic(join(folder, 'a'), Uint8Array.of(0, 255));
    expect([...(await readFile(join(folder, 'a')))]).toEqual([0, 255]);
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('a failing write keeps the old content and leaves no temporary file', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'a'));
    await expect(writeFileAtomic(join(folder, 'a'), 'a file cannot replace a folder')).rejects.toThrow();
    expect(await readdir(folder)).toEqual(['a']);
  });

  test('leftovers of dead processes go, those of living ones and other files stay', async () => {
    const folder = await temporaryFolder();
    const dead = 2 ** 30;
    for (const name of [`.a.${dead}-0.partial`, `.a.${process.pid}-999.partial`])
      await writeFile(join(folder, name), '');
    const stay = [`.a.${process.ppid}-0.partial`, '.a.mine', `.ab.${dead}-0.partial`];
    for (const name of stay) await writeFile(join(folder, name), '');
    await writeFileAtomic(join(folder, 'a'), 'new');
    expect((await readdir(folder)).sort()).toEqual([...stay, 'a'].sort());
  });

  test('two writers of one path at once leave one of the two contents', async () => {
    const path = join(await temporaryFolder(), 'a');
    await Promise.all(['x', 'y'].map((letter) => writeFileAtomic(path, letter.repeat(100_000))));
    expect(new Set(await readFile(path, 'utf8')).size).toBe(1);
  });
});

describe('writeFolderAtomic', () => {
  test('replaces the whole folder', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'out');
    await writeFolderAtomic(path, (temporary) => writeFile(join(temporary, 'old'), '1'));
    await writeFolderAtomic(path, async (temporary) => {
      await mkdir(join(temporary, 'deep'));
      await writeFile(join(temporary, 'deep', 'new'), '2');
    });
    expect((await readdir(path, { recursive: true })).sort()).toEqual(['deep', join('deep', 'new')]);
    expect(await readdir(folder)).toEqual(['out']);
  });

  test('a failure in the middle keeps the old folder and leaves nothing else', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'out');
    await writeFolderAtomic(path, (temporary) => writeFile(join(temporary, 'old'), '1'));
    const failing = writeFolderAtomic(path, async (temporary) => {
      await writeFile(join(temporary, 'new'), '2');
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(await readdir(path)).toEqual(['old']);
    expect(await readdir(folder)).toEqual(['out']);
  });
});

test('a process killed while writing leaves whole files and whole folders', async () => {
  const folder = await temporaryFolder();
  for (const delay of [1, 7, 23, 40]) {
    await killAfter(spawnModule(new URL('testing/write-files.ts', import.meta.url), folder), delay);
    expect(await readFile(join(folder, 'file'), 'utf8')).toMatch(/^(\d)\1{299999}$/);
    // Between the two renames there is no folder, but never half of one.
    const names = await readdir(join(folder, 'folder')).catch(() => undefined);
    if (names !== undefined) {
      expect(names).toEqual(['a', 'b']);
      const content =
        (await readFile(join(folder, 'folder', 'a'), 'utf8')) + (await readFile(join(folder, 'folder', 'b')));
      expect(content).toMatch(/^(\d)\1{599999}$/);
    }
  }
  await writeFileAtomic(join(folder, 'file'), '');
  await writeFolderAtomic(join(folder, 'folder'), (temporary) => writeFile(join(temporary, 'a'), ''));
  expect((await readdir(folder)).sort()).toEqual(['file', 'folder']);
});

test('sha256 is that of the bytes', async () => {
  const path = join(await temporaryFolder(), 'a');
  const bytes = new Uint8Array(3_000_000).map((_, i) => i * 7);
  await writeFile(path, bytes);
  expect(await sha256(path)).toBe(createHash('sha256').update(bytes).digest('hex'));
  await writeFile(path, '');
  expect(await sha256(path)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});
