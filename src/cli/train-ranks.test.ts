import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { onRanks } from '../distributed/testing/lockstep.js';
import { ended, isSkipped, mpirun } from '../distributed/testing/mpirun.js';
import { readConfig } from '../runs/read-config.js';
import { TOY_CONFIG, writeToy } from '../runs/testing/toy.js';
import { trainRun } from '../runs/train.js';
import { distance } from '../testing/compare.js';
import { temporaryFolder } from '../testing/folder.js';
import { listCheckpoints, loadCheckpoint } from '../training/checkpoints.js';
import { createOutput } from './output.js';
import { planOf } from './train.js';
import { trainOnRanks } from './train-ranks.js';

const MAIN = new URL('testing/rank-main.ts', import.meta.url);
const TIMEOUT = 240_000;

/** A folder with a configuration of many small steps. */
async function toy(training: object = {}): Promise<{ folder: string; config: string }> {
  const folder = await temporaryFolder();
  const config = await writeToy(folder);
  const { training: said, ...rest } = TOY_CONFIG;
  const many = { ...said, batchSize: 24, epochs: 2, checkpointEvery: 5, ...training };
  await writeFile(config, stringify({ ...rest, training: many }));
  return { folder, config };
}

const train = (size: number, folder: string, ...args: string[]) => mpirun(size, MAIN, [folder, 'train', ...args]);

/** Until there is a checkpoint. */
async function begun(out: string): Promise<void> {
  while ((await listCheckpoints(join(out, 'checkpoints'))).length === 0) await wait(5);
}

test.skipIf(isSkipped)(
  'a killed rank ends the job, and more ranks resume it to what one process learns',
  { timeout: TIMEOUT },
  async () => {
    const { folder, config } = await toy();
    const out = join(folder, 'together');
    const job = train(2, folder, config, '--out', out);
    const end = ended(job);
    await begun(out);
    process.kill(Number(await readFile(join(folder, 'rank-1'), 'utf8')), 'SIGKILL');
    const { code, stderr } = await end;
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(/rank 1 .*exited on signal 9/s);

    const resumed = await ended(train(3, folder, '--resume', '--out', out, '--json'));
    expect(resumed).toMatchObject({ code: 0 });
    const { folder: told, evaluation, bestStep } = JSON.parse(resumed.stdout);
    expect(told).toBe(out);

    const alone = join(folder, 'alone');
    const expected = await trainRun(readConfig(config), { out: alone });
    expect(bestStep).toBe(expected.bestStep);
    expect(evaluation.test.metrics.logloss).toBeCloseTo(expected.evaluation.test.metrics.logloss!, 4);
    const [ours, theirs] = await Promise.all(
      [out, alone].map(async (run) => {
        const checkpoints = join(run, 'checkpoints');
        return loadCheckpoint(checkpoints, (await listCheckpoints(checkpoints)).at(-1)!);
      }),
    );
    expect(ours!.step).toBe(theirs!.step);
    expect([...ours!.tensors.keys()]).toEqual([...theirs!.tensors.keys()]);
    for (const [name, { data }] of theirs!.tensors) {
      expect(distance(ours!.tensors.get(name)!.data as Float32Array, data as Float32Array), name).toBeLessThan(1e-4);
    }
  },
);

test.skipIf(isSkipped)('training that diverges ends with one error that says where', { timeout: TIMEOUT }, async () => {
  const objectives = [{ loss: 'bce' }];
  const { folder, config } = await toy({ optimizer: { name: 'sgd' }, learningRate: 1e30, objectives });
  const { code, stderr } = await ended(train(2, folder, config, '--out', join(folder, 'run')));
  expect(code).toBe(1);
  expect(stderr.match(/TRAIN_DIVERGED/g)).toHaveLength(1);
  expect(stderr).toMatch(/step \d+ \(epoch 1, batch of event rows \d+, .*the first bad tensor is/s);
});

test('what is wrong for all ranks is told by the first one', async () => {
  const told = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof told) => ({ write: (text: string) => (told[name] += text) });
  const output = createOutput({ stdout: stream('stdout'), stderr: stream('stderr'), env: {} });
  const plan = async () => planOf(undefined, {});
  const lead = () => expect.unreachable('there is no plan');
  const ended = onRanks(2, (ranks) => trainOnRanks(ranks, output, plan, lead));
  await expect(ended).rejects.toThrow('rank 0 ends all with 2');
  expect(told).toEqual({
    stdout: '',
    stderr: expect.stringMatching(/^error USAGE: there is no configuration to train\n/),
  });
});
