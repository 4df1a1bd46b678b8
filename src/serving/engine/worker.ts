import { parentPort, workerData } from 'node:worker_threads';
import { failureOf } from './failure.js';
import type { FromWorker, ToWorker, WorkerRecipe } from './messages.js';
import { PhaseRunner } from './phase-runner.js';

const loading = PhaseRunner.create(workerData as WorkerRecipe);
// The first message awaits it, and tells what went wrong.
loading.catch(() => {});
/** Messages are worked off one after the other, in their order. */
let before: Promise<unknown> = Promise.resolve();

parentPort!.on('message', (message: ToWorker) => {
  before = before.then(async () => {
    let reply: FromWorker;
    try {
      reply = { id: message.id, result: await answer(await loading, message) };
    } catch (error) {
      reply = { id: message.id, failure: failureOf(error) };
    }
    parentPort!.postMessage(reply);
    if (message.type === 'stop') parentPort!.close();
  });
});

function answer(runner: PhaseRunner, message: ToWorker): unknown {
  switch (message.type) {
    case 'job':
      return runner.run(message.job);
    case 'encode':
      return runner.encode(message.rows, message.feeds);
    case 'change':
      return runner.change(message.change);
    case 'grow':
      return runner.grow(message.states);
    case 'stop':
      return runner.release();
  }
}
