import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../testing/folder.js';
import { laneInWorker } from './lane.js';
import type { Job, WorkerRecipe } from './messages.js';

/** A worker that answers each message as its text says. */
async function entry() {
  const file = join(await temporaryFolder(), 'worker.mjs');
  await writeFile(
    file,
    `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ id, type, job }) => {
      if (type === 'stop') { parentPort.postMessage({ id, result: null }); parentPort.close(); }
      else if (job === 'fail') parentPort.postMessage({ id, failure: { message: 'bad file', code: 'SERVING_STORE' } });
      else if (job === 'throw') throw new Error('out of order');
      else if (job === 'exit') process.exit(3);
      else if (job !== 'wait') parentPort.postMessage({ id, result: job });
    });`,
  );
  return { file: pathToFileURL(file) };
}

const recipe = {} as WorkerRecipe;
const job = (text: string) => text as unknown as Job;

test('what fails in the worker fails here, with its code, and the worker goes on', async () => {
  const onLost = vi.fn();
  const lane = laneInWorker(recipe, await entry(), onLost);
  await expect(lane.run(job('fail'))).rejects.toMatchObject({ code: 'SERVING_STORE', message: 'bad file' });
  expect(await lane.run(job('fine'))).toBe('fine');
  await lane.close();
  expect(onLost).not.toHaveBeenCalled();
});

test.each([
  ['throw', 'out of order'],
  ['exit', 'a worker of the engine ended with code 3'],
])('a worker that is lost by %s fails what it was doing, and is told once', async (how, message) => {
  const onLost = vi.fn();
  const lane = laneInWorker(recipe, await entry(), onLost);
  const waiting = lane.run(job('wait'));
  const ending = lane.run(job(how));
  await expect(waiting).rejects.toThrow(message);
  await expect(ending).rejects.toThrow(message);
  await expect(lane.run(job('fine'))).rejects.toThrow(message);
  expect(onLost).toHaveBeenCalledTimes(1);
  await lane.close();
});
