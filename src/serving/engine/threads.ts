import { Worker } from 'node:worker_threads';

/** Where a thread's code is: a file and its arguments. */
export interface WorkerEntry {
  file: URL;
  argv?: string[];
}

/** Threads that wait for work, by what they run. */
const resting = new Map<string, Worker[]>();

const keyOf = ({ file, argv = [] }: WorkerEntry, kind: string) => [kind, file.href, ...argv].join('\0');

/**
 * A thread that runs this: one that rests, or a new one. Starting a thread, loading its code and compiling what of it is run often takes
 * most of what a thread for a new version takes, and takes it from requests that are answered meanwhile.
 *
 * @param kind what tells threads of the same code apart: their `workerData`
 */
export function takeThread(entry: WorkerEntry, kind: string): Worker {
  const found = resting.get(keyOf(entry, kind))?.pop();
  if (found === undefined) return new Worker(entry.file, { workerData: kind, ...(entry.argv && { argv: entry.argv }) });
  silence(found);
  found.ref();
  return found;
}

/** Lets a thread rest that has nothing left to do; it keeps the process from ending no more. */
export function returnThread(entry: WorkerEntry, kind: string, worker: Worker): void {
  const key = keyOf(entry, kind);
  const others = resting.get(key) ?? [];
  const forget = () => {
    const at = others.indexOf(worker);
    if (at >= 0) others.splice(at, 1);
  };
  silence(worker);
  worker.on('error', forget).on('exit', forget).unref();
  others.push(worker);
  resting.set(key, others);
}

/** Takes off what listens to a thread; Node itself listens to other events. */
function silence(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
}
