import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { toyCascade } from '../cascade/testing/toy.js';
import { twotower } from './testing/twotower.js';

let toy: Awaited<ReturnType<typeof toyCascade>>;
let file: string;

beforeAll(async () => {
  toy = await toyCascade(['retrieve']);
  file = await toy.write({ prerank: undefined, rank: undefined, mine: { items: 3 } });
}, 120_000);
afterAll(() => toy.remove());

describe('cascade evaluate', () => {
  it('prints the tables, writes the report and does not write over another', async () => {
    const out = join(toy.folder, 'report');
    const { code, stdout } = await twotower('cascade', 'evaluate', file, '--out', out);
    expect(code).toBe(0);
    expect(stdout).toMatch(/retrieve +20 +0\.\d{4}/);
    expect(existsSync(join(out, 'funnel.html'))).toBe(true);
    const again = await twotower('cascade', 'evaluate', file, '--out', out, '--json');
    expect(again.code).toBe(2);
    expect(JSON.parse(again.stdout || again.stderr).error.code).toBe('USAGE');
  });
});

describe('cascade mine', () => {
  it('says what was mined and what was not', async () => {
    const out = join(toy.folder, 'mined.parquet');
    const { code, stdout } = await twotower('cascade', 'mine', file, '--out', out, '--json');
    expect(code).toBe(0);
    const { requests, candidates } = JSON.parse(stdout);
    expect(candidates).toBe(3 * requests.mined);
    expect(requests.seen).toBe(requests.total - requests.mined);
    expect(existsSync(out)).toBe(true);
    expect((await twotower('cascade', 'mine', file, '--out', join(toy.folder, 'mined.csv'))).code).toBe(2);
  });

  it('refuses a cascade with a run that is none', async () => {
    const wrong = join(toy.folder, 'wrong.yaml');
    await writeFile(wrong, stringify({ data: 'data/dataset.yaml', retrieve: { run: 'nowhere' } }));
    const { code, stderr } = await twotower('cascade', 'mine', wrong, '--out', join(toy.folder, 'none.parquet'));
    expect(code).not.toBe(0);
    expect(stderr).toContain('nowhere is not a run folder');
  });
});
