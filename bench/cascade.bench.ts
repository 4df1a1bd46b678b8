import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { collect, pass } from '../src/cascade/collect.js';
import { parseCascade } from '../src/cascade/config.js';
import { funnelMetrics } from '../src/cascade/funnel-metrics.js';
import { mineCandidates } from '../src/cascade/mine.js';
import { type Cascade, openCascade } from '../src/cascade/open.js';
import { drawRequests, requestsOf, selectRequests } from '../src/cascade/requests.js';
import type { Dataset } from '../src/data/dataset.js';
import { loadDataset } from '../src/data/load.js';
import { packagePath } from '../src/package-root.js';
import { environment } from '../src/runs/environment.js';
import { RUN_FILES } from '../src/runs/folder.js';
import { readConfig } from '../src/runs/read-config.js';
import { trainRun } from '../src/runs/train.js';
import { option } from './protocol.js';
import { writeResults } from './results.js';

export const name = 'cascade';
export const description =
  'what a pre-ranker learns from samples of each stage: cascade [--models dssm,ranktower] [--seeds 1,2,3] [--requests 2000] [--runs FOLDER]';

const EARLY = { by: 'date', trainUntil: 20220501, validationUntil: 20220502 } as const;
const SIZES = { retrieve: 500, prerank: 100, rank: 20 };
const TOP = 20;

/** Keys of the configuration by what is trained on, each with all that stands above it. */
const VARIANTS = ['impressions', '+ candidates', '+ randoms', '+ distillation'] as const;

interface Row {
  model: string;
  variant: (typeof VARIANTS)[number];
  seed: number;
  /** Share of the ranker's top 20 of 500 retrieved items among the 100 kept. */
  rankerTop: number;
  /** Clicked items among the 100 kept / clicked items, and / those among the 500. */
  clicks: number;
  clicksOfRetrieved: number;
  /** On the exposures of the test part. */
  auc: number | null;
}

function keysOf(variant: number, ranker: string, candidates: string): Record<string, unknown> {
  return {
    'training.lists': {
      impressions: 16,
      ...(variant >= 1 && { candidates: 8, candidateFile: candidates }),
      ...(variant >= 2 && { randoms: 8 }),
    },
    'training.objectives': [
      { loss: 'bce' },
      ...(variant >= 1 ? [{ loss: 'tier-order', tiers: ['retrieved', 'shown', 'clicked'] }] : []),
      ...(variant >= 3 ? [{ loss: 'distill-pointwise', stages: ['retrieved'] }] : []),
    ],
    ...(variant >= 3 && { 'training.teacher': { run: ranker } }),
  };
}

/** A run in a folder, trained unless the folder holds it already. */
async function runIn(folder: string, config: string, keys: Record<string, unknown>, dataset: Dataset): Promise<string> {
  if (existsSync(join(folder, RUN_FILES.evaluation))) return folder;
  const assignments = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const read = readConfig(packagePath('configs', `${config}-kuairand.yaml`), assignments);
  await trainRun(read, { out: folder, dataset, resume: existsSync(join(folder, RUN_FILES.run)) });
  return folder;
}

export async function run(args: readonly string[]): Promise<void> {
  const models = option(args, '--models', 'dssm,ranktower').split(',');
  const seeds = option(args, '--seeds', '1,2,3').split(',').map(Number);
  const count = Number(option(args, '--requests', '2000'));
  const kept = option(args, '--runs', '');
  const folder = kept === '' ? await mkdtemp(join(tmpdir(), 'twotower-cascade-')) : resolve(kept);
  const dataset = await loadDataset('kuairand-pure');
  const early = await loadDataset('kuairand-pure', { split: EARLY });
  const loaded = (data: { split?: unknown }) => (data.split === undefined ? dataset : early);
  const ranker = await runIn(join(folder, 'ranker'), 'dcn-v2', { 'training.epochs': 1 }, dataset);
  const retrieval = join(folder, 'retrieval');
  await runIn(retrieval, 'youtube-dnn', { 'training.epochs': 3, 'data.split': EARLY }, early);

  const cascadeWith = (prerank?: string): Promise<Cascade> => {
    const stages = {
      retrieve: { run: retrieval, items: SIZES.retrieve },
      ...(prerank && { prerank: { run: prerank, items: SIZES.prerank } }),
      ...(prerank && { rank: { run: ranker, items: SIZES.rank } }),
    };
    const text = JSON.stringify({ data: 'kuairand-pure', ...stages, mine: { items: 16 } });
    return openCascade(parseCascade(text, 'bench', folder), { loaded });
  };
  const candidates = join(folder, 'candidates.parquet');
  if (!existsSync(candidates)) {
    const miner = await cascadeWith();
    await mineCandidates(miner, candidates);
    await miner.release();
  }

  const rows: Row[] = [];
  for (const model of models) {
    for (const [variant, title] of VARIANTS.entries()) {
      for (const seed of seeds) {
        const out = join(folder, `${model}-${variant}-${seed}`);
        const keys = { ...keysOf(variant, ranker, candidates), 'training.seed': seed };
        await runIn(out, `${model}-cascade`, keys, dataset);
        const cascade = await cascadeWith(out);
        rows.push({ model, variant: title, seed, ...(await measure(cascade, count)), auc: await aucOf(out) });
        await cascade.release();
      }
      console.log(line(`${model} ${title}`, rows.slice(-seeds.length)));
    }
  }
  await writeResults('cascade', {
    dataset: dataset.name,
    dataHash: dataset.hash,
    sizes: SIZES,
    requests: count,
    early: EARLY,
    variants: Object.fromEntries(VARIANTS.map((title, i) => [title, keysOf(i, 'RANKER', 'CANDIDATES')])),
    rows,
    environment: environment(),
  });
  if (kept === '') await rm(folder, { recursive: true });
}

async function measure(cascade: Cascade, count: number): Promise<Omit<Row, 'model' | 'variant' | 'seed' | 'auc'>> {
  const { dataset } = cascade;
  const all = requestsOf(dataset, dataset.splits.test);
  const wanted = drawRequests(
    selectRequests(all, (q) => all.relevant[q]!.length > 0),
    count,
    1,
  );
  const passage = await pass(cascade, await collect(cascade, wanted.event, SIZES.retrieve), SIZES);
  const { stages } = funnelMetrics(passage, wanted.relevant, { prerank: true, rank: true }, [TOP]);
  const [retrieve, prerank] = stages;
  return {
    rankerTop: prerank!.agreement![TOP]!,
    clicks: prerank!.recall,
    clicksOfRetrieved: prerank!.recall / retrieve!.recall,
  };
}

async function aucOf(folder: string): Promise<number | null> {
  return JSON.parse(await readFile(join(folder, RUN_FILES.evaluation), 'utf8')).test.metrics.auc;
}

function line(title: string, rows: readonly Row[]): string {
  const cells = (['rankerTop', 'clicks', 'clicksOfRetrieved', 'auc'] as const).map((key) => {
    const values = rows.map((row) => row[key] ?? Number.NaN);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const squares = values.reduce((a, b) => a + (b - mean) ** 2, 0);
    return `${key} ${mean.toFixed(4)} ± ${Math.sqrt(squares / Math.max(1, values.length - 1)).toFixed(4)}`;
  });
  return `${title.padEnd(28)} ${cells.join('  ')}`;
}
