import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { failureOf } from './failure.js';
import { giveWay } from './give-way.js';
import type { FromLoader, LoadRecipe } from './loading.js';

/** By how much threads that answer requests meanwhile go before this one, where it cannot give way. */
const NICER = 5;
const NICEST = 19;

const tell = (said: FromLoader) => parentPort!.postMessage(said);
const { folder, manifest, beside } = workerData as LoadRecipe;
if (beside && (await giveWay())) tell({ waiting: true });
// Where a thread has a priority of its own; elsewhere it would be that of the whole process.
else if (beside && process.platform === 'linux') setPriority(Math.min(NICEST, getPriority() + NICER));
// Not before: loading the code is a good part of what there is to do.
const { readVersion } = await import('./read-version.js');
await readVersion(folder, manifest).then(
  (version) => tell({ version }),
  (error: unknown) => tell({ failure: failureOf(error) }),
);
