import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { TwoTowerError } from '../errors.js';
import { unzip } from './unzip.js';

export interface DownloadOptions {
  url: string;
  md5: string;
  /** Folder inside the archive. */
  folder: string;
  /** Where unpacked archives are kept; default `~/.cache/twotower`, or `$XDG_CACHE_HOME/twotower`. */
  cache?: string;
  onProgress?: (progress: { stage: string; done: number; total?: number }) => void;
  /** Milliseconds without a byte before the download is given up; default 30,000. */
  timeout?: number;
}

const LARGEST = 512 * 1024 * 1024;

/**
 * Fetches a ZIP archive, checks it, and unpacks it into the cache; the second time it is there already. The folder appears
 * whole or not at all.
 *
 * @returns the folder of the files
 * @throws DATA_DOWNLOAD
 */
export async function download(options: DownloadOptions): Promise<string> {
  const { url, md5, folder } = options;
  const cache = options.cache ?? cacheFolder();
  const target = join(cache, md5, folder);
  if (existsSync(target)) return target;
  const archive = await fetchBytes(options);
  const found = createHash('md5').update(archive).digest('hex');
  if (found !== md5) {
    throw new TwoTowerError(
      'DATA_DOWNLOAD',
      `${url}: the checksum is ${found}, where ${md5} is expected`,
      'Try again, or download it yourself and give the folder with --data.',
    );
  }
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(join(cache, 'partial-'));
  try {
    for (const [name, content] of unzip(archive)) {
      const inside = name.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
      if (inside[0] !== folder) continue;
      const file = join(temporary, ...inside);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    if (!existsSync(join(temporary, folder))) {
      throw new TwoTowerError(
        'DATA_DOWNLOAD',
        `${url}: there is no folder "${folder}" in the archive`,
        'Correct `download.folder`.',
      );
    }
    mkdirSync(dirname(target), { recursive: true });
    if (!existsSync(target)) renameSync(join(temporary, folder), target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return target;
}

/** Where what was fetched or made for a description is kept. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'twotower');
}

async function fetchBytes({ url, onProgress, timeout = 30_000 }: DownloadOptions): Promise<Buffer> {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(), timeout);
  const blocks: Uint8Array[] = [];
  let done = 0;
  try {
    const response = await fetch(url, { signal: stop.signal });
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    const total = Number(response.headers.get('content-length') ?? 0);
    for await (const block of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), timeout);
      blocks.push(block as Uint8Array);
      done += (block as Uint8Array).length;
      if (done > LARGEST) throw new Error(`it is larger than ${LARGEST} bytes`);
      onProgress?.({ stage: `downloading ${basename(url)}`, done, ...(total > 0 ? { total } : {}) });
    }
  } catch (cause) {
    const error = cause as Error & { cause?: Error };
    const why = stop.signal.aborted ? `nothing came for ${timeout} ms` : (error.cause?.message ?? error.message);
    throw new TwoTowerError(
      'DATA_DOWNLOAD',
      `${url}: ${why}`,
      'Check the network, or download it yourself and give the folder with --data.',
    );
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(blocks);
}
