import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { twotower } from './testing/twotower.js';

const scratch = mkdtempSync(join(tmpdir(), 'twotower-generate-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const generate = (out: string, ...flags: string[]) =>
  twotower('data', 'generate', 'funnel', '--out', join(scratch, out), ...flags);

test('data generate funnel writes a dataset that data inspect reads', async () => {
  const sizes = ['--users', '30', '--items', '60', '--days', '3', '--requests-per-day', '1', '--cascade', '20,12,8,5'];
  const { code, stdout } = await generate('world', ...sizes, '--seed', '4');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^[\d,]+ items shown in \d+ requests, \d+ clicks; [\d,]+ items that were considered/);
  const inspected = await twotower('data', 'inspect', join(scratch, 'world/dataset.yaml'));
  expect(inspected.stdout).toMatch(/scores of the log, on the test part\n +auc +gauc +logloss\n.*\ntruth +0\.\d{4}/);
  const again = await generate('world', ...sizes);
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('is not an empty folder') });
});

test.each([
  [['--users', '0'], 'It must be a whole number of at least 1'],
  [['--drift', 'much'], 'It must be a number'],
  [['--drift', '2'], 'drift: '],
  [['--items', '50'], 'cascade.retrieve: 100 items cannot be kept of the 50 that there are'],
  [['--cascade', '10,5'], 'Four numbers: retrieved,pre-ranked,ranked,shown'],
  [['--itmes', '50'], 'Did you mean --items?'],
])('%j is refused before anything is written', async (flags, message) => {
  const { code, stderr } = await generate('refused', ...flags);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
  expect(existsSync(join(scratch, 'refused'))).toBe(false);
});

test('data generate --help says what there is', async () => {
  const { stdout } = await twotower('data', 'generate', 'funnel', '--help');
  expect(stdout).toMatch(/Example:\n {2}\$ twotower data generate funnel/);
  expect(stdout).toContain('--position-bias');
});
