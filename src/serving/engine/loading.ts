import { TwoTowerError } from '../../errors.js';
import type { Manifest } from '../manifest.js';
import { errorOf, type Failure } from './failure.js';
import type { VersionData } from './read-version.js';
import { returnThread, takeThread, type WorkerEntry } from './threads.js';

/** Whether requests are answered meanwhile, to which a thread that reads gives way where it can. There may be no way back. */
export type LoaderKind = 'alone' | 'beside';
/** What a thread that reads a version is given, and what it says. */
export interface LoadRecipe {
  folder: string;
  manifest: Manifest;
}
/** `waiting`: it runs only in time that nobody else wants. */
export type FromLoader = { waiting: true } | { version: VersionData } | { failure: Failure };

export interface ReadOptions {
  /** Requests are answered meanwhile: they go first. */
  beside?: boolean | undefined;
  /** Milliseconds after which a thread that waits for time of its own begins anew among all others; half a minute unless given. */
  patienceMs?: number;
}

/** TypeScript sources, as in tests, cannot be loaded by a worker on Node 20. */
export function loaderEntry(): WorkerEntry | undefined {
  return import.meta.url.endsWith('.js') ? { file: new URL('./load-worker.js', import.meta.url) } : undefined;
}

/**
 * Reads a version in a thread of its own: files, checksums and JSON block whoever reads them, and what is left over of
 * them goes with the thread. What comes back is plain data and references to shared memory.
 *
 * @throws what reading throws; SERVING_STORE where the thread ends without a word
 */
export async function readInThread(
  folder: string,
  manifest: Manifest,
  entry: WorkerEntry,
  { beside = false, patienceMs = 30_000 }: ReadOptions = {},
): Promise<VersionData> {
  const recipe = { folder, manifest };
  const found = await once(recipe, entry, beside ? 'beside' : 'alone', patienceMs);
  // On a machine that is never at rest there is no such time.
  return found ?? (await once(recipe, entry, 'alone', patienceMs))!;
}

/** @returns undefined where the thread waited in vain */
async function once(
  recipe: LoadRecipe,
  entry: WorkerEntry,
  kind: LoaderKind,
  patienceMs: number,
): Promise<VersionData | undefined> {
  const worker = takeThread(entry, kind);
  let patience: NodeJS.Timeout | undefined;
  const said = await new Promise<Exclude<FromLoader, { waiting: true }> | string | undefined>((resolve) => {
    worker.on('message', (message: FromLoader) => {
      if (!('waiting' in message)) resolve(message);
      else patience = setTimeout(() => resolve(undefined), patienceMs);
    });
    worker.on('error', (error: Error) => resolve(error.message));
    worker.on('exit', (code) => resolve(`exit code ${code}`));
    worker.postMessage(recipe);
  });
  clearTimeout(patience);
  if (typeof said === 'string') {
    throw new TwoTowerError(
      'SERVING_STORE',
      `${recipe.folder}: the thread that read it ended: ${said}`,
      'Where memory was short, give the process more with NODE_OPTIONS=--max-old-space-size=MEGABYTES.',
    );
  }
  // The next version is likely to be read beside this one, too; what is read alone mostly begins the process.
  if (said !== undefined && kind === 'beside') returnThread(entry, kind, worker);
  else await worker.terminate();
  if (said === undefined) return undefined;
  if ('failure' in said) throw errorOf(said.failure);
  return said.version;
}
