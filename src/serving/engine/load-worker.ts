import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { failureOf } from './failure.js';
import type { FromLoader, LoadRecipe } from './loading.js';
import { readVersion } from './read-version.js';

/** By how much threads that answer requests meanwhile go before this one. */
const NICER = 5;
const NICEST = 19;

// Where a thread has a priority of its own; elsewhere it would be that of the whole process.
if (process.platform === 'linux') setPriority(Math.min(NICEST, getPriority() + NICER));
const { folder } = workerData as LoadRecipe;
const said: FromLoader = await readVersion(folder).then(
  (version) => ({ version }),
  (error: unknown) => ({ failure: failureOf(error) }),
);
parentPort!.postMessage(said);
