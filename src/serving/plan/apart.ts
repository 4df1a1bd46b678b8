import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Random } from '../../random.js';
import { atRandom, type RandomLoad } from './at-random.js';
import type { Shot } from './wire.js';

interface Question {
  address: string;
  shots: readonly Shot[];
  perSecond: number;
  seconds: number;
}

/** Told to the thread that it is this file's. */
const KIND = 'requests at random';

/**
 * Requests that arrive at random, sent by a thread of its own: collecting the garbage of one that has done much else takes as long as
 * twenty requests, and they would wait for it. Sources that are run as they are cannot be loaded by a thread on Node 20: there the
 * calling one sends.
 */
export async function atRandomApart(question: Question): Promise<RandomLoad> {
  if (!import.meta.url.endsWith('.js')) return sent(question);
  const thread = new Worker(new URL(import.meta.url), { workerData: { kind: KIND, question } });
  const [load] = (await once(thread, 'message')) as [RandomLoad];
  await thread.terminate();
  return load;
}

function sent({ address, shots, perSecond, seconds }: Question): Promise<RandomLoad> {
  return atRandom(new URL(address), shots, perSecond, seconds, Random.of(1, 'arrivals'));
}

if (!isMainThread && workerData?.kind === KIND) parentPort!.postMessage(await sent(workerData.question));
