import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toyFolder } from '../runs/testing/toy.js';
import { plainRates } from '../serving/plan/testing/plain.js';
import { twotower } from './testing/twotower.js';

let toy: Awaited<ReturnType<typeof toyFolder>>;
let run: string;
let rates: string;

beforeAll(async () => {
  toy = await toyFolder();
  run = join(toy.folder, 'run');
  await twotower('train', toy.config, '--out', run, '--set', 'training.epochs=1');
  rates = join(toy.folder, 'rates.json');
  await writeFile(rates, JSON.stringify(plainRates()));
}, 60_000);
afterAll(() => toy.remove());

test('plan --help shows an example and --json', async () => {
  const { code, stdout } = await twotower('plan', '--help');
  expect(code).toBe(0);
  expect(stdout).toMatch(/Examples?:\n {2}\$ twotower plan/);
  expect(stdout).toContain('--json');
});

test('a plan from a rates file: every figure with its formula', async () => {
  const { code, stdout, stderr } = await twotower('plan', run, '--items', '1e6', '--rate', '50', '--rates', rates);
  expect(code).toBe(0);
  expect(stderr).toContain('the rates of retrieve were measured with plain-retrieve');
  expect(stdout).toMatch(/retrieve +dssm +1,000,000 → 500 +user +[\d.]+ ms +1\.23 kFLOP \/ 1 GFLOP\/s/);
  expect(stdout).toContain('1,000,000 items (as asked), 50 requests/s');
  expect(stdout).toMatch(/memory of each +[\d.]+ MB +process 100 MB \+ item states 20 MB/);
  expect(stdout).toMatch(/latency, mean +[\d.]+ ms +\(service \+ workers \+ waking = [\d. +]+\) \+ hand-over/);
  expect(stdout).toMatch(/latency, p99 +[\d.]+ ms +the parts of the mean/);
  expect(stdout).toMatch(/1 × \d cores suffice\./);
  const json = JSON.parse((await twotower('plan', run, '--items', '1e6', '--rates', rates, '--json')).stdout);
  expect(json).toMatchObject({
    options: { items: 1e6, latencyMs: 50 },
    fleet: { suffices: true },
    rates: plainRates(),
  });
  expect(await readFile(rates, 'utf8')).toBe(JSON.stringify(plainRates()));
});

test.each([
  [['--keep', 'rank=0'], '--keep rank=0'],
  [['--keep', 'rank=5'], 'there is no phase rank'],
  [['--rate', '0'], 'must be a number above 0'],
  [['--cached', '2'], 'from 0 to 1'],
  [['--items', 'many'], 'whole number'],
  [['--candidates', '10', '-k', '5'], 'k means nothing'],
])('%s is one clear error', async (args, message) => {
  const { code, stdout, stderr } = await twotower('plan', run, '--rates', rates, ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

test('a path that is nothing, and a rates file that is none', async () => {
  expect(await twotower('plan', join(toy.folder, 'nothing'))).toMatchObject({ code: 2 });
  expect((await twotower('plan', run, '--rates', toy.config)).stderr).toContain('is no rates file');
});
