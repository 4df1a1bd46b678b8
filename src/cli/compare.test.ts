import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { LEADERBOARD_FILES } from '../leaderboard/report/write.js';
import { toyLeaderboard } from '../leaderboard/testing/toy.js';
import { twotower } from './testing/twotower.js';

// Each test trains.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let toy: Awaited<ReturnType<typeof toyLeaderboard>>;
beforeAll(async () => {
  toy = await toyLeaderboard();
});
afterAll(() => toy.remove());

it('compare shows a line per run, prints the table, writes the results, and keeps what is there', async () => {
  const file = await toy.write({ seeds: [1] });
  const { code, stdout, stderr } = await twotower('compare', file, '--out', toy.out);
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/^1\/2 {2}toy\/click {2}small {2}seed 1 {2}auc 0\.\d{4} {2}logloss .* s$/m);
  expect(stderr).toMatch(/^2\/2 {2}toy\/click {2}wide {3}seed 1/m);
  expect(stdout).toMatch(/^small +0\.\d{4}/m);
  expect(stdout).toContain('One seed.');
  for (const name of Object.values(LEADERBOARD_FILES)) expect(existsSync(join(toy.out, name))).toBe(true);
  const again = await twotower('compare', file, '--out', toy.out, '--parallel', '2', '--json');
  expect(again.stderr.match(/kept$/gm)).toHaveLength(2);
  expect(JSON.parse(again.stdout).tables[0].models).toHaveLength(2);
  const elsewhere = await twotower('compare', file, '--out', join(toy.folder, 'data'));
  expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringMatching(/data holds .*Name another --out/s)]);
  const none = await twotower('compare', file, '--parallel', '0');
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--parallel')]);
});
