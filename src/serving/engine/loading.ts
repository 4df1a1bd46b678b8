import { Worker } from 'node:worker_threads';
import { TwoTowerError } from '../../errors.js';
import { errorOf, type Failure } from './failure.js';
import type { WorkerEntry } from './lane.js';
import type { VersionData } from './read-version.js';

/** What a thread that reads a version is given, and what it says. */
export interface LoadRecipe {
  folder: string;
}
export type FromLoader = { version: VersionData } | { failure: Failure };

/** TypeScript sources, as in tests, cannot be loaded by a worker on Node 20. */
export function loaderEntry(): WorkerEntry | undefined {
  return import.meta.url.endsWith('.js') ? { file: new URL('./load-worker.js', import.meta.url) } : undefined;
}

/**
 * Reads a version in a thread of its own: files, checksums, Parquet and JSON block whoever reads them, and what is left over of
 * them goes with the thread. What comes back is plain data and references to shared memory.
 *
 * @throws what reading throws; SERVING_STORE where the thread ends without a word
 */
export async function readInThread(folder: string, { file, argv }: WorkerEntry): Promise<VersionData> {
  const recipe: LoadRecipe = { folder };
  const worker = new Worker(file, { workerData: recipe, ...(argv && { argv }) });
  let said: FromLoader | undefined;
  let lost: Error | undefined;
  worker.on('message', (message: FromLoader) => {
    said = message;
  });
  worker.on('error', (error: Error) => {
    lost = error;
  });
  // Not before it has ended: its memory is free then.
  const code = await new Promise<number>((resolve) => worker.once('exit', resolve));
  if (said === undefined) {
    throw new TwoTowerError(
      'SERVING_STORE',
      `${folder}: the thread that read it ended: ${lost?.message ?? `exit code ${code}`}`,
      'Where memory was short, give the process more with NODE_OPTIONS=--max-old-space-size=MEGABYTES.',
    );
  }
  if ('failure' in said) throw errorOf(said.failure);
  return said.version;
}
