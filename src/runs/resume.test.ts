import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { Random } from '../random.js';
import { spawnModule } from '../testing/child.js';
import { temporaryFolder } from '../testing/folder.js';
import type { RunEvent } from './events.js';
import { holdsRun } from './folder.js';
import { readConfig } from './read-config.js';
import { digests } from './testing/checkpoint-bytes.js';
import { writeToy } from './testing/toy.js';
import { trainRun } from './train.js';

/** The log without what the clock says. */
function metrics(run: string): object[] {
  return readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), samplesPerSecond: 0 }));
}

/** Lets the toy train in a process of its own, kills it once it has done `steps` steps, and returns how far it was known to be. */
async function trainAndKill(folder: string, out: string, steps: number): Promise<number> {
  const child = spawnModule(new URL('testing/train-toy.ts', import.meta.url), folder, out);
  const ended = new Promise<unknown>((done) => child.once('exit', (_, signal) => done(signal)));
  let done = 0;
  let last = 0;
  for await (const line of createInterface({ input: child.stdout! })) {
    last = Number(line);
    if (++done === steps) child.kill('SIGKILL');
  }
  expect(await ended).toBe('SIGKILL');
  return last;
}

test('a run killed again and again ends with the bytes of one that was not', { timeout: 240_000 }, async () => {
  const folder = await temporaryFolder();
  const config = readConfig(await writeToy(folder));
  const whole = join(folder, 'whole');
  await trainRun(config, { out: whole });
  const killed = join(folder, 'killed');
  const random = Random.of(5, 'kills');
  // Steps since the last checkpoint (every third, and each validation) are lost, so that this does not reach the end.
  const reached: number[] = [];
  for (let round = 0; round < 3; round++) reached.push(await trainAndKill(folder, killed, 2 + random.below(8)));
  expect(Math.max(...reached)).toBeGreaterThan(5);
  await trainRun(config, { out: killed, resume: true });
  expect(digests(join(killed, 'checkpoints'))).toEqual(digests(join(whole, 'checkpoints')));
  expect(digests(join(killed, 'model'))).toEqual(digests(join(whole, 'model')));
  expect(metrics(killed)).toEqual(metrics(whole));
});

test('an aborted run stops after the step, says how to go on, and goes on to the same bytes', async () => {
  const folder = await temporaryFolder();
  const config = readConfig(await writeToy(folder));
  const whole = join(folder, 'whole');
  await trainRun(config, { out: whole });
  const out = join(folder, 'stopped');
  const stop = new AbortController();
  const onEvent = (event: { type: string; step?: number }) => {
    if (event.type === 'step' && event.step === 8) stop.abort();
  };
  await expect(trainRun(config, { out, onEvent, signal: stop.signal })).rejects.toMatchObject({
    code: 'RUN_INTERRUPTED',
    message: expect.stringMatching(/after step 8 of 30\n.*--resume --out .*stopped/),
  });
  await trainRun(config, { out, resume: true });
  expect(digests(join(out, 'model'))).toEqual(digests(join(whole, 'model')));
  expect(metrics(out)).toEqual(metrics(whole));
});

test('a run aborted before its first step leaves nothing to clean up', async () => {
  const folder = await temporaryFolder();
  const config = readConfig(await writeToy(folder));
  const out = join(folder, 'run');
  const early = trainRun(config, { out, signal: AbortSignal.abort() });
  await expect(early).rejects.toMatchObject({ code: 'RUN_INTERRUPTED' });
  const stop = new AbortController();
  const stages: string[] = [];
  const onEvent = (event: RunEvent) => {
    if (event.type !== 'loading') return;
    stages.push(event.progress.stage);
    stop.abort();
  };
  await expect(trainRun(config, { out, onEvent, signal: stop.signal })).rejects.toMatchObject({
    code: 'RUN_INTERRUPTED',
  });
  expect(stages).toHaveLength(1);
  expect(holdsRun(out)).toBe(false);
});

test('a run aborted during the last evaluation is evaluated when it is resumed', async () => {
  const folder = await temporaryFolder();
  const config = readConfig(await writeToy(folder), ['training.epochs=1']);
  const out = join(folder, 'run');
  const stop = new AbortController();
  const onEvent = (event: { type: string; split?: string }) => {
    if (event.type === 'evaluating' && event.split === 'test') stop.abort();
  };
  await expect(trainRun(config, { out, onEvent, signal: stop.signal })).rejects.toMatchObject({
    code: 'RUN_INTERRUPTED',
    message: expect.stringMatching(/during the last evaluation\n.*--resume --out .*run/),
  });
  const again = await trainRun(config, { out, resume: true });
  expect(again.evaluation.test.counts.samples).toBeGreaterThan(0);
});

test('a finished run resumed trains no more and evaluates to the same', async () => {
  const folder = await temporaryFolder();
  const config = readConfig(await writeToy(folder));
  const out = join(folder, 'run');
  const first = await trainRun(config, { out });
  const before = digests(join(out, 'checkpoints'));
  const steps: unknown[] = [];
  const again = await trainRun(config, { out, resume: true, onEvent: (e) => e.type === 'step' && steps.push(e) });
  expect(steps).toEqual([]);
  expect(again.evaluation).toEqual(first.evaluation);
  expect(again.samplesPerSecond).toBe(Math.round(first.samplesPerSecond!));
  expect(digests(join(out, 'checkpoints'))).toEqual(before);
});

test('what is resumed must be the same run', async () => {
  const folder = await temporaryFolder();
  const file = await writeToy(folder);
  const out = join(folder, 'run');
  await trainRun(readConfig(file, ['training.epochs=1']), { out });
  await expect(trainRun(readConfig(file, ['training.epochs=2']), { out, resume: true })).rejects.toMatchObject({
    code: 'RUN_INVALID',
    message: expect.stringContaining('training.epochs: 1 then, 2 now'),
  });
  await writeToy(folder, 1600);
  await expect(trainRun(readConfig(file, ['training.epochs=1']), { out, resume: true })).rejects.toMatchObject({
    code: 'RUN_INVALID',
    message: expect.stringContaining('trained on data'),
  });
  await expect(trainRun(readConfig(file), { out: join(folder, 'none'), resume: true })).rejects.toMatchObject({
    code: 'RUN_INVALID',
  });
});
