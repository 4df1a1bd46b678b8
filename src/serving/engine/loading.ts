import { Worker } from 'node:worker_threads';
import { TwoTowerError } from '../../errors.js';
import type { Manifest } from '../manifest.js';
import { errorOf, type Failure } from './failure.js';
import type { WorkerEntry } from './lane.js';
import type { VersionData } from './read-version.js';

/** What a thread that reads a version is given, and what it says. */
export interface LoadRecipe {
  folder: string;
  manifest: Manifest;
  /** Whether requests are answered meanwhile, to which it gives way where it can. */
  beside: boolean;
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
  const found = await once({ folder, manifest, beside }, entry, patienceMs);
  // On a machine that is never at rest there is no such time.
  return found ?? (await once({ folder, manifest, beside: false }, entry, patienceMs))!;
}

/** @returns undefined where the thread waited in vain */
async function once(
  recipe: LoadRecipe,
  { file, argv }: WorkerEntry,
  patienceMs: number,
): Promise<VersionData | undefined> {
  const worker = new Worker(file, { workerData: recipe, ...(argv && { argv }) });
  let said: Exclude<FromLoader, { waiting: true }> | undefined;
  let lost: Error | undefined;
  let patience: NodeJS.Timeout | undefined;
  let isOver = false;
  worker.on('message', (message: FromLoader) => {
    if (!('waiting' in message)) said = message;
    else {
      patience = setTimeout(() => {
        isOver = true;
        void worker.terminate();
      }, patienceMs);
    }
  });
  worker.on('error', (error: Error) => {
    lost = error;
  });
  // Not before it has ended: its memory is free then.
  const code = await new Promise<number>((resolve) => worker.once('exit', resolve));
  clearTimeout(patience);
  if (said === undefined && isOver) return undefined;
  if (said === undefined) {
    throw new TwoTowerError(
      'SERVING_STORE',
      `${recipe.folder}: the thread that read it ended: ${lost?.message ?? `exit code ${code}`}`,
      'Where memory was short, give the process more with NODE_OPTIONS=--max-old-space-size=MEGABYTES.',
    );
  }
  if ('failure' in said) throw errorOf(said.failure);
  return said.version;
}
