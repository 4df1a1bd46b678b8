import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { spawnModule } from '../testing/child.js';
import { temporaryFolder } from '../testing/folder.js';
import { evaluateRun } from './evaluate.js';
import type { RunEvent } from './events.js';
import { openRun } from './open.js';
import { readConfig } from './read-config.js';
import { recommend } from './recommend.js';
import { digests } from './testing/checkpoint-bytes.js';
import { TOY_CONFIG, writeToy } from './testing/toy.js';
import { trainRun } from './train.js';

/** The toy, and its configuration reading the log in windows of so many events. */
async function streamedToy(window: number) {
  const folder = await temporaryFolder();
  const file = await writeToy(folder);
  const whole = readConfig(file);
  const stream = { window, cache: join(folder, 'windows') };
  writeFileSync(file, stringify({ ...TOY_CONFIG, data: { dataset: 'data/dataset.yaml', stream } }));
  return { folder, file, whole, config: readConfig(file) };
}

/** The log without what the clock says. */
function metrics(run: string): object[] {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => ({ ...JSON.parse(line), samplesPerSecond: 0 }));
}

test('a run over one window is the run in memory, to the byte', { timeout: 240_000 }, async () => {
  const { folder, whole, config } = await streamedToy(1500);
  const [memory, streamed] = [join(folder, 'memory'), join(folder, 'streamed')];
  const warnings: RunEvent[] = [];
  await trainRun(whole, { out: memory });
  await trainRun(config, { out: streamed, onEvent: (event) => event.type === 'warning' && warnings.push(event) });
  expect(digests(join(streamed, 'checkpoints'))).toEqual(digests(join(memory, 'checkpoints')));
  expect(metrics(streamed)).toEqual(metrics(memory));
  const record = (run: string) => JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'));
  expect(record(streamed)).toEqual(record(memory));
  expect(warnings).toEqual([]);
});

test('a run over several windows that is killed goes on to the same bytes', { timeout: 240_000 }, async () => {
  const { folder, config } = await streamedToy(500);
  const whole = join(folder, 'whole');
  const events: RunEvent[] = [];
  const { evaluation } = await trainRun(config, { out: whole, onEvent: (event) => events.push(event) });
  expect(events).toContainEqual(expect.objectContaining({ type: 'begin', samples: 1200 }));
  expect(events).toContainEqual({
    type: 'warning',
    message: expect.stringMatching(
      /users of one of 3 windows: \d+ of 148 events of validation, \d+ of 152 events of test/,
    ),
  });
  expect(evaluation.test.counts.samples).toBeLessThan(152);

  const killed = join(folder, 'killed');
  const child = spawnModule(new URL('testing/train-toy.ts', import.meta.url), folder, killed);
  let steps = 0;
  for await (const _ of createInterface({ input: child.stdout! })) if (++steps === 8) child.kill('SIGKILL');
  await trainRun(config, { out: killed, resume: true });
  expect(digests(join(killed, 'checkpoints'))).toEqual(digests(join(whole, 'checkpoints')));
  expect(digests(join(killed, 'model'))).toEqual(digests(join(whole, 'model')));
  expect(metrics(killed)).toEqual(metrics(whole));

  // Another size of the windows would be another order of the batches.
  const data = { ...config.data, stream: { ...config.data.stream, window: 600 } };
  await expect(trainRun({ ...config, data }, { out: killed, resume: true })).rejects.toMatchObject({
    code: 'RUN_INVALID',
    message: expect.stringContaining('data.stream.window: 500 then, 600 now'),
  });

  const run = await openRun(whole);
  try {
    const again = await evaluateRun(run);
    expect(again.counts.samples).toBe(evaluation.test.counts.samples);
    expect(again.metrics.auc!.value).toBe(evaluation.test.metrics.auc);
    // The first window has neither user: the log is read whole.
    for (const user of ['1', '4']) expect((await recommend(run, { user, k: 3 })).recent).not.toEqual([]);
  } finally {
    await run.release();
  }
});

test('what does not go with windows is refused before anything is read', async () => {
  const { file } = await streamedToy(500);
  for (const [said, key] of [
    ['training.lists={}', 'lists'],
    ['training.teacher.column=score', 'teacher'],
  ]) {
    expect(() => readConfig(file, [said!])).toThrow(`training.${key} needs the whole log in memory`);
  }
  expect(() => readConfig(file, ['data.stream.window=0'])).toThrow(/data\.stream\.window/);
  expect(() => readConfig(file, ['data.stream.widow=9'])).toThrow(/did you mean "window"/);
});

test('a label that is no label is refused, in whatever window', async () => {
  const { folder, config } = await streamedToy(500);
  await expect(trainRun({ ...config, label: 'seconds' }, { out: join(folder, 'run') })).rejects.toMatchObject({
    code: 'DATA_VALUE',
    message: expect.stringContaining('the label "seconds" is'),
  });
});
