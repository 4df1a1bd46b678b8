import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { collectGarbage } from './collect-garbage.js';
import { failureOf } from './failure.js';
import { giveWay } from './give-way.js';
import type { FromLoader, LoaderKind, LoadRecipe } from './loading.js';

/** By how much threads that answer requests meanwhile go before this one, where it cannot give way. */
const NICER = 5;
const NICEST = 19;

const tell = (said: FromLoader) => parentPort!.postMessage(said);
const isBeside = (workerData as LoaderKind) === 'beside';
const waits = isBeside && (await giveWay());
// Where a thread has a priority of its own; elsewhere it would be that of the whole process.
if (isBeside && !waits && process.platform === 'linux') setPriority(Math.min(NICEST, getPriority() + NICER));

parentPort!.on('message', async ({ folder, manifest }: LoadRecipe) => {
  if (waits) tell({ waiting: true });
  // Not before: loading the code is a good part of what there is to do.
  const { readVersion } = await import('./read-version.js');
  await readVersion(folder, manifest).then(
    (version) => tell({ version }),
    (error: unknown) => tell({ failure: failureOf(error) }),
  );
  // It waits for the next version; not while this function holds this one.
  if (isBeside) setImmediate(collectGarbage);
});
