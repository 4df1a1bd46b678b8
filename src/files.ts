import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { threadId } from 'node:worker_threads';

/** Temporary names in use by this thread. */
const active = new Set<string>();
/** Threads share the process id, and none may take for a leftover what another is writing. */
const NAMES_PER_THREAD = 2 ** 32;
let counter = threadId * NAMES_PER_THREAD;

/**
 * Writes a file whole or not at all: under a temporary name beside it, flushed to the disk, then renamed.
 * A crash at any point leaves the old content (or no file); its leftover is removed by the next write of the same path.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await fillFileAtomic(path, (file) => file.writeFile(data));
}

/** {@link writeFileAtomic} of what comes bit by bit. */
export async function fillFileAtomic(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  await viaTemporary(path, async (temporary) => {
    const file = await open(temporary, 'w');
    try {
      await fill(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  });
}

/**
 * Writes a folder whole or not at all: `fill` gets a temporary folder beside it, every file in it is flushed to the disk,
 * then the folder is renamed. An existing folder of that name is moved aside first and removed afterwards, so that a crash
 * leaves the old folder, the new one or, between the two renames, none; never a mixture.
 */
export async function writeFolderAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  await viaTemporary(path, async (temporary) => {
    await mkdir(temporary);
    await fill(temporary);
    await syncTree(temporary);
    if (await exists(path)) {
      await viaTemporary(path, async (aside) => {
        await rename(path, aside);
        await rename(temporary, path);
        await rm(aside, { recursive: true });
      });
    } else {
      await rename(temporary, path);
    }
  });
}

/** The SHA-256 of a file, in hexadecimal; the file is streamed. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

/** Runs `work` with an unused name beside `path`; removes what is left there if it fails, else makes the renames durable. */
async function viaTemporary(path: string, work: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(resolve(path));
  await mkdir(folder, { recursive: true });
  await removeLeftovers(folder, basename(path));
  const name = `.${basename(path)}.${process.pid}-${counter++}.partial`;
  const temporary = join(folder, name);
  active.add(temporary);
  try {
    await work(temporary);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  } finally {
    active.delete(temporary);
  }
  await syncFolder(folder);
}

/** Removes everything that dead processes left half-written in a folder, whatever its name; the work of living ones stays. */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    const match = /^\.(.+)\.\d+-\d+\.partial$/.exec(entry);
    if (match !== null) await removeLeftovers(folder, match[1]!);
  }
}

/** Removes the temporary names a dead process left for `name`; those of living writers stay. */
async function removeLeftovers(folder: string, name: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(`.${name}.`)) continue;
    const match = /^(\d+)-(\d+)\.partial$/.exec(entry.slice(name.length + 2));
    if (match === null || active.has(join(folder, entry))) continue;
    const [pid, number] = [Number(match[1]), Number(match[2])];
    const dead = pid === process.pid ? Math.floor(number / NAMES_PER_THREAD) === threadId : !isAlive(pid);
    if (dead) await rm(join(folder, entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    // Windows refuses to flush a file that was opened for reading only.
    else await sync(path, 'r+');
  }
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders; there the rename itself is what is durable.
  if (process.platform !== 'win32') await sync(folder, 'r');
}

async function sync(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
