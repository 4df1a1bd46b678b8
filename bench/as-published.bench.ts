import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadDataset } from '../src/data/load.js';
import { writePublished } from '../src/leaderboard/as-published/files.js';
import { SPLIT_SEED } from '../src/leaderboard/as-published/prepare.js';
import { publishedRows } from '../src/leaderboard/as-published/rows.js';
import { packagePath } from '../src/package-root.js';
import { environment } from '../src/runs/environment.js';
import { readConfig } from '../src/runs/read-config.js';
import { printedCold, printedTwoTower } from './as-published-models.js';
import { option, type Row, trainSeed } from './protocol.js';
import { readResults, writeResults } from './results.js';

export const name = 'as-published';
export const description =
  "which peculiarities of IntTower's script hold its baselines down (LEAKY data): as-published --data DIR [--seeds 1] [--variants a,b]";

/** What the script has, and that with one thing changed after the other. */
const VARIANTS: Record<string, { name: string; [option: string]: unknown }> = {
  'two-tower as in the script': { name: 'printed-two-tower' },
  'its cosine times a number that is learned': { name: 'printed-two-tower', score: 'scaled-cosine' },
  'vectors may be negative': { name: 'printed-two-tower', score: 'scaled-cosine', lastReLU: false },
  'cold as in the script': { name: 'printed-cold' },
  'cold, weights that begin as usual': { name: 'printed-cold', start: 'usual' },
};

export async function run(args: readonly string[]): Promise<void> {
  const seeds = option(args, '--seeds', '1').split(',').map(Number);
  const variants = option(args, '--variants', Object.keys(VARIANTS).join(',')).split(',');
  const folder = await mkdtemp(join(tmpdir(), 'twotower-as-published-'));
  try {
    const root = option(args, '--data', '');
    const base = await loadDataset('movielens-1m', root === '' ? {} : { root });
    const description = await writePublished(base, publishedRows(base, SPLIT_SEED), join(folder, 'data'), SPLIT_SEED);
    const dataset = await loadDataset(description);
    const config = readConfig(packagePath('configs', 'inttower-movielens-1m.yaml'));
    // Other variants and seeds stay as they were measured.
    const rows = [...(readResults<{ rows: Row[] }>(name)?.rows ?? [])];
    for (const seed of seeds) {
      for (const variant of variants) {
        const own = { ...config, model: VARIANTS[variant]!, training: { ...config.training, seed } };
        const out = join(folder, `${seed}-${variant.replaceAll(/\W+/g, '-')}`);
        const row = await trainSeed(own, dataset, out, [printedTwoTower, printedCold]);
        const before = rows.findIndex((one) => one.model === variant && one.seed === seed);
        rows.splice(before < 0 ? rows.length : before, 1, { ...row, model: variant });
        const { auc, logloss } = row.test;
        console.log(`${variant.padEnd(36)} seed ${seed}  auc ${auc!.toFixed(4)}  logloss ${logloss!.toFixed(4)}`);
        await writeResults(name, { leaky: true, rows, environment: environment() });
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
