import type { Feeds } from '../../schema.js';
import type { Phase } from '../contract.js';
import { errorOf } from './failure.js';
import type { SharedStates } from './item-states.js';
import type { FromWorker, Job, JobResult, RowChange, ToWorker, WorkerRecipe } from './messages.js';
import { PhaseRunner } from './phase-runner.js';
import { returnThread, takeThread, type WorkerEntry } from './threads.js';

/** One thread's phases. What is asked is done in the order it was asked. */
export interface Lane {
  /** Resolves once the models are loaded. */
  ready(): Promise<void>;
  run(job: Job): Promise<JobResult>;
  encode(rows: Int32Array, feeds: Partial<Record<Phase, Feeds>>): Promise<void>;
  change(change: RowChange): Promise<void>;
  grow(states: Partial<Record<Phase, SharedStates>>): Promise<void>;
  /** Milliseconds in which a thread of its own did something, since it was this lane's; 0 on the calling thread. */
  busyMs(): number;
  close(): Promise<void>;
}

type Question = ToWorker extends infer M ? (M extends ToWorker ? Omit<M, 'id'> : never) : never;

/** TypeScript sources, as in tests, cannot be loaded by a worker on Node 20. */
export function workerEntry(): WorkerEntry | undefined {
  return import.meta.url.endsWith('.js') ? { file: new URL('./worker.js', import.meta.url) } : undefined;
}

/** Milliseconds after which jobs on the calling thread let others have a turn. */
const TURN_MS = 1;

/** The phases on the calling thread, which is blocked while they compute. */
export function laneHere(recipe: WorkerRecipe): Lane {
  const loading = PhaseRunner.create(recipe);
  loading.catch(() => {});
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: (runner: PhaseRunner) => T | Promise<T>): Promise<T> => {
    const after = before.then(async () => work(await loading));
    before = after.catch(() => {});
    return after;
  };
  let turned = performance.now();
  return {
    ready: () => inTurn(() => undefined),
    run: (job) =>
      inTurn(async (runner) => {
        // A job need not wait for anything: who asks again with every answer would keep timers and sockets waiting for ever.
        if (performance.now() - turned > TURN_MS) {
          await new Promise((resolve) => setImmediate(resolve));
          turned = performance.now();
        }
        return runner.run(job);
      }),
    encode: (rows, feeds) => inTurn((runner) => runner.encode(rows, feeds)),
    change: (change) => inTurn((runner) => runner.change(change)),
    grow: (states) => inTurn((runner) => runner.grow(states)),
    busyMs: () => 0,
    close: () => inTurn((runner) => runner.release()).catch(() => {}),
  };
}

/** The phases in a worker thread; `onLost` is told when it ends by itself, and everything under way fails. */
export function laneInWorker(recipe: WorkerRecipe, entry: WorkerEntry, onLost: (error: Error) => void): Lane {
  const worker = takeThread(entry, 'phases');
  const before = worker.performance.eventLoopUtilization().active;
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let lost: Error | undefined;
  let closing = false;
  let nextId = 0;

  const ask = <T>(message: Question): Promise<T> => {
    if (lost !== undefined) return Promise.reject(lost);
    const id = nextId++;
    return new Promise<T>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, ...message });
    });
  };
  const fail = (error: Error) => {
    if (lost !== undefined) return;
    lost = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    if (!closing) onLost(error);
  };
  worker.on('message', (reply: FromWorker) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('result' in reply) asked?.resolve(reply.result as never);
    else asked?.reject(errorOf(reply.failure));
  });
  worker.on('error', (error: Error) => fail(error));
  worker.on('exit', (code) => fail(new Error(`a worker of the engine ended with code ${code}`)));

  const opening = ask<void>({ type: 'open', recipe });
  opening.catch(() => {});
  return {
    ready: () => opening,
    run: (job) => ask({ type: 'job', job }),
    encode: (rows, feeds) => ask({ type: 'encode', rows, feeds }),
    change: (change) => ask({ type: 'change', change }),
    grow: (states) => ask({ type: 'grow', states }),
    // A thread that has ended says 0.
    busyMs: () => Math.max(0, worker.performance.eventLoopUtilization().active - before),
    async close() {
      closing = true;
      try {
        await ask({ type: 'stop' });
        returnThread(entry, 'phases', worker);
      } catch {
        await worker.terminate();
      }
    },
  };
}
