import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../testing/folder.js';
import { laneInWorker } from './lane.js';
import type { Job, WorkerRecipe } from './messages.js';

/** A worker that answers each message as its text says. @param stop what it answers where it is to stop */
async function entry(stop = '{ id, result: null }') {
  const file = join(await temporaryFolder(), 'worker.mjs');
  await writeFile(
    file,
    `import { parentPort, threadId } from 'node:worker_threads';
    parentPort.on('message', ({ id, type, job, recipe }) => {
      if (type === 'stop') parentPort.postMessage(${stop});
      else if (job === 'thread') parentPort.postMessage({ id, result: threadId });
      else if (recipe?.rows === -1) parentPort.postMessage({ id, failure: { message: 'no rows' } });
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

test('a thread whose lane was closed serves the next one, and tells the one before nothing', async () => {
  const onLost = vi.fn();
  const code = await entry();
  const before = laneInWorker(recipe, code, onLost);
  await before.ready();
  const thread = await before.run(job('thread'));
  await before.close();
  const next = laneInWorker(recipe, code, vi.fn());
  expect(await next.run(job('thread'))).toBe(thread);
  const beside = laneInWorker(recipe, code, vi.fn());
  expect(await beside.run(job('thread'))).not.toBe(thread);
  await expect(next.run(job('exit'))).rejects.toThrow('ended with code 3');
  expect(onLost).not.toHaveBeenCalled();
  await beside.close();
});

test('a thread that cannot stop, or ended while it rested, is not asked again', async () => {
  for (const stop of [`{ id, failure: { message: 'stuck' } }`, '(process.exit(0), {})']) {
    const code = await entry(stop);
    const before = laneInWorker(recipe, code, vi.fn());
    const thread = await before.run(job('thread'));
    await before.close();
    const next = laneInWorker(recipe, code, vi.fn());
    expect(await next.run(job('thread'))).not.toBe(thread);
    await next.close();
  }
  const code = await entry(`(setTimeout(() => process.exit(0), 20), { id, result: null })`);
  const before = laneInWorker(recipe, code, vi.fn());
  const thread = await before.run(job('thread'));
  await before.close();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const next = laneInWorker(recipe, code, vi.fn());
  expect(await next.run(job('thread'))).not.toBe(thread);
  await next.close();
});

test('a version that cannot be opened fails where that is awaited', async () => {
  const lane = laneInWorker({ ...recipe, rows: -1 }, await entry(), vi.fn());
  await expect(lane.ready()).rejects.toThrow('no rows');
  await lane.close();
});
