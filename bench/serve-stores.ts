import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { writeGeneratedLog } from '../src/data/generate-log.js';
import { completeConfig } from '../src/runs/config.js';
import { trainRun } from '../src/runs/train.js';
import { type PhasePlan, publish } from '../src/serving/publish.js';

export const MODELS = {
  dssm: { name: 'dssm', embedding: 16, towers: [128, 64], width: 32 },
  fit: { name: 'fit', embedding: 16 },
  ranktower: { name: 'ranktower', embedding: 16 },
  'dcn-v2': { name: 'dcn-v2', embedding: 16 },
} as const;
export type BenchModel = keyof typeof MODELS;

/**
 * A log with so many items, made once and kept in `folder`: two events for each item of a large catalogue, as vectors of items that
 * training has never seen lie anywhere, and no graph finds its way among them. Its test part is short: every user in it is
 * ranked against all items.
 */
export async function logOf(folder: string, items: number): Promise<string> {
  const data = join(folder, `log-${items}`);
  const file = join(data, 'dataset.yaml');
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  const events = Math.max(100_000, 2 * items);
  await writeGeneratedLog(data, { items, users: 10_000, events });
  const part = Math.min(0.1, 2_000 / events);
  const description = parse(await readFile(file, 'utf8'));
  await writeFile(file, stringify({ ...description, split: { train: 1 - 2 * part, validation: part } }));
  return file;
}

/** A run of a model, trained for a short time: speed does not depend on how well it scores. */
export async function runOf(folder: string, data: string, items: number, model: BenchModel, seed = 1): Promise<string> {
  const out = join(folder, `run-${items}-${model}${seed === 1 ? '' : `-${seed}`}`);
  if (existsSync(join(out, 'model', 'manifest.json'))) return out;
  console.log(`training ${model} over ${items.toLocaleString('en')} items`);
  const config = completeConfig({
    data,
    model: MODELS[model],
    training: { epochs: 1, batchSize: 2048, seed },
    evaluation: { ks: [100] },
    threads: 0,
  });
  return (await trainRun(config, { out })).folder;
}

/** A store with one version of these runs. */
export async function storeOf(folder: string, name: string, phases: PhasePlan[]): Promise<string> {
  const store = join(folder, `store-${name}`);
  if (existsSync(join(store, 'current.json'))) return store;
  console.log(`publishing ${name}`);
  await publish({ store, phases });
  return store;
}

/** Items of the stores that rankings are measured on. */
export const SMALL = 10_000;

/** A store that ranks with a model, and the phase that does. */
export async function rankStore(folder: string, data: string, model: BenchModel) {
  const retrieve = { phase: 'retrieve' as const, run: await runOf(folder, data, SMALL, 'dssm') };
  if (model === 'dssm') return { store: await storeOf(folder, model, [retrieve]), phase: 'retrieve' };
  const prerank = { phase: 'prerank' as const, run: await runOf(folder, data, SMALL, model) };
  return { store: await storeOf(folder, model, [retrieve, prerank]), phase: 'prerank' };
}
