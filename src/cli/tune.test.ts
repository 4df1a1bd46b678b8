import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { toyFolder } from '../runs/testing/toy.js';
import { twotower } from './testing/twotower.js';

// Each test trains.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let toy: Awaited<ReturnType<typeof toyFolder>>;
beforeAll(async () => {
  toy = await toyFolder();
});
afterAll(() => toy.remove());

it('tune shows every trial, names the best and leaves a configuration that can be trained', async () => {
  const out = join(toy.folder, 'search');
  const space = join(toy.folder, 'space.yaml');
  await writeFile(space, 'model.width: { values: [8] }\n');
  const args = ['tune', toy.config, '--trials', '2', '--search', space, '--set', 'training.epochs=1', '--out', out];
  const { code, stdout, stderr } = await twotower(...args);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('rung 1 of 1: 2 trials to their end');
  expect(stderr).toMatch(/^ {2}trial 2 {2}0\.\d{4}$/m);
  expect(stdout).toMatch(/^ +1 +0\.\d{4} +1 +as it is +to its end$/m);
  expect(stdout).toMatch(/^ +2 +0\.\d{4} +1 +8 +to its end$/m);
  expect(stdout).toMatch(/best: trial [12], auc on validation 0\.\d{4}/);
  expect(existsSync(join(out, 'trials.json'))).toBe(true);
  const trained = await twotower('train', join(out, 'best.yaml'), '--out', join(toy.folder, 'tuned'));
  expect(trained.code, trained.stderr).toBe(0);
  await writeFile(space, 'data: { values: [kuairand-pure] }\n');
  expect((await twotower(...args)).stderr).toContain(`${space}: data: trials that differ in this cannot be compared`);
  await writeFile(space, 'training.validation.patience: { values: [1] }\n');
  expect((await twotower(...args)).code).toBe(2);
  const elsewhere = await twotower('tune', toy.config, '--trials', '1', '--out', join(toy.folder, 'data'));
  expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringMatching(/data holds .*Name another --out/s)]);
  await writeFile(space, 'model.widht: { values: [8] }\n');
  expect((await twotower(...args)).stderr).toContain('did you mean "width"?');
});

it('data audit says what is in order and what is not', async () => {
  const { code, stdout, stderr } = await twotower('data', 'audit', join(toy.folder, 'data/dataset.yaml'));
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^ok {7}permuted labels\n {2}din trained on/m);
  expect(stdout).toMatch(/\n(no warnings|\d warnings?)\n$/);
  expect((await twotower('data', 'audit', 'kuairand-pure', '--threshold', '2')).code).toBe(2);
});
