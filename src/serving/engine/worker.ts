import { parentPort } from 'node:worker_threads';
import { collectGarbage } from './collect-garbage.js';
import { failureOf } from './failure.js';
import type { FromWorker, ToWorker } from './messages.js';
import { PhaseRunner } from './phase-runner.js';

/** The version that is open. Whatever is asked of it awaits it, and is told what went wrong. */
let opened: Promise<PhaseRunner> | undefined;
/** Messages are worked off one after the other, in their order. */
let before: Promise<unknown> = Promise.resolve();

parentPort!.on('message', (message: ToWorker) => {
  before = before.then(async () => {
    let reply: FromWorker;
    try {
      reply = { id: message.id, result: await answer(message) };
    } catch (error) {
      reply = { id: message.id, failure: failureOf(error) };
    }
    parentPort!.postMessage(reply);
  });
});

async function answer(message: ToWorker): Promise<unknown> {
  if (message.type === 'open') {
    opened = PhaseRunner.create(message.recipe);
    await opened;
    return undefined;
  }
  const runner = await opened!;
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
      await runner.release();
      opened = undefined;
      // Not while this function holds the runner.
      setImmediate(collectGarbage);
  }
}
