import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { readConfig } from '../../runs/read-config.js';
import { TOY_CONFIG, writeToy } from '../../runs/testing/toy.js';
import { trainRun } from '../../runs/train.js';
import type { PhasePlan } from '../write-phase.js';

/** Milliseconds that making the runs may take on a busy machine. */
export const TOY_TIMEOUT = 180_000;

const MODELS = {
  retrieve: { name: 'dssm', embedding: 4, towers: [8], width: 4 },
  prerank: { name: 'ranktower', embedding: 4 },
  rank: { name: 'dcn-v2', embedding: 4, towers: [8] },
  rerank: { name: 'lt-ttd', embedding: 4 },
};
type Name = keyof typeof MODELS;

/** Runs of the toy, trained for one short epoch each, in a folder of their own. */
export interface ToyRuns {
  folder: string;
  /** What `publish` takes, keeping 20, 10 and 5 of the 40 items. */
  plans: PhasePlan[];
  runs: Record<string, string>;
  remove(): Promise<void>;
}

/** @param names of the phases; `rerank` is a ranker that orders lists as a whole */
export async function toyRuns(...names: Name[]): Promise<ToyRuns> {
  const folder = await mkdtemp(join(tmpdir(), 'twotower-'));
  await writeToy(folder, 600);
  const runs: Record<string, string> = {};
  for (const name of names) {
    const file = join(folder, `${name}.yaml`);
    const { epochs: _, objectives: __, negatives: ___, ...training } = TOY_CONFIG.training;
    await writeFile(file, stringify({ ...TOY_CONFIG, model: MODELS[name], training: { ...training, epochs: 1 } }));
    runs[name] = (await trainRun(readConfig(file), { out: join(folder, name) })).folder;
  }
  const keeps = { retrieve: 20, prerank: 10, rank: 5, rerank: 5 };
  const plans = names.map((name) => ({
    phase: name === 'rerank' ? ('rank' as const) : name,
    run: runs[name]!,
    keep: keeps[name],
  }));
  return { folder, plans, runs, remove: () => rm(folder, { recursive: true, force: true }) };
}
