import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { toyFolder } from '../../runs/testing/toy.js';
import { trainRun } from '../../runs/train.js';

/** Where the runs that mine end: half of the log is later. */
export const EARLY = { train: 0.4, validation: 0.1 };

type Name = 'retrieve' | 'prerank' | 'rank';

/**
 * A folder with the toy log and three runs on it, or those that are named: `retrieve` (dssm, trained on the earlier half), `prerank` (dssm) and `rank`
 * (lt-ttd, which retrieves and re-ranks). The caller removes it.
 */
export async function toyCascade(names: readonly Name[] = ['retrieve', 'prerank', 'rank']) {
  const toy = await toyFolder();
  const data = join(toy.folder, 'data/dataset.yaml');
  const training = { epochs: 1, batchSize: 128, learningRate: 0.01, seed: 7 };
  const common = { evaluation: { ks: [5] }, threads: 1, training };
  const dssm = { name: 'dssm', embedding: 4, towers: [8], width: 4 };
  const listwise = {
    name: 'lt-ttd',
    embedding: 4,
    towers: [8],
    states: 8,
    width: 4,
    residual: [4],
    transformer: { width: 8, layers: 1, heads: 2 },
    lists: { size: 6, hard: 2, pool: 8 },
  };
  const run = (name: string) => join(toy.folder, 'runs', name);
  const configs = {
    retrieve: { ...common, data: { dataset: data, split: EARLY }, model: dssm },
    prerank: { ...common, data, model: dssm },
    rank: { ...common, data, model: listwise },
  };
  for (const name of names) await trainRun(configs[name], { out: run(name) });
  /** Writes CASCADE.yaml with some keys of its own. */
  const write = async (keys: Record<string, unknown> = {}): Promise<string> => {
    const file = join(toy.folder, 'cascade.yaml');
    const usual = {
      data: 'data/dataset.yaml',
      retrieve: { run: 'runs/retrieve', items: 20 },
      prerank: { run: 'runs/prerank', items: 8 },
      rank: { run: 'runs/rank', items: 4 },
      evaluation: { ks: [3], timed: 5 },
      threads: 1,
    };
    await writeFile(file, stringify({ ...usual, ...keys }));
    return file;
  };
  return { ...toy, data, run, write, common };
}
