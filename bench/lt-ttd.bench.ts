import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseCascade } from '../src/cascade/config.js';
import { evaluateCascade } from '../src/cascade/evaluate.js';
import type { Guarantees } from '../src/cascade/guarantees.js';
import { openCascade } from '../src/cascade/open.js';
import type { UpqeOurs } from '../src/cascade/upqe.js';
import { loadDataset } from '../src/data/load.js';
import { environment } from '../src/runs/environment.js';
import { RUN_FILES } from '../src/runs/folder.js';
import { trainRun } from '../src/runs/train.js';
import { option, protocolConfig } from './protocol.js';
import { writeResults } from './results.js';

export const name = 'lt-ttd';
export const description =
  'LT-TTD against the baselines made of its parts, and its distillation weight: lt-ttd [--seeds 1,2,3] [--retrieve 100] [--requests 2000] [--runs FOLDER]';

/** Keys of the configuration by what is compared; the transformer re-ranks in all but the first. */
const BASELINES: Record<string, Record<string, unknown>> = {
  'two towers alone': { 'model.weights.ranking': 0, 'model.weights.distillation': 0 },
  'transformer trained separately': { 'model.separate': true, 'model.weights.distillation': 0 },
  'the same, distilled into the towers': { 'model.separate': true, 'model.eta': 0 },
  'joint, without distillation': { 'model.weights.distillation': 0 },
  full: {},
};
const STRENGTHS = [0, 0.1, 0.3, 1, 3];

interface Row {
  title: string;
  seed: number;
  /** NDCG@10 of the final list over all relevant items. */
  ndcg10: number;
  /** Recall of what is retrieved, and what it loses for good: |U| a request. */
  recall: number;
  irretrievable: number;
  upqeOurs: UpqeOurs;
  guarantees?: Guarantees;
}

export async function run(args: readonly string[]): Promise<void> {
  const seeds = option(args, '--seeds', '1,2,3').split(',').map(Number);
  const items = Number(option(args, '--retrieve', '100'));
  const requests = Number(option(args, '--requests', '2000'));
  const kept = option(args, '--runs', '');
  const folder = kept === '' ? await mkdtemp(join(tmpdir(), 'twotower-lt-ttd-')) : resolve(kept);
  const dataset = await loadDataset('kuairand-pure');
  const measured = new Map<string, Row>();

  const measure = async (title: string, keys: Record<string, unknown>, seed: number): Promise<Row> => {
    const assignments = Object.entries(keys).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    const config = protocolConfig('lt-ttd', seed, assignments);
    const same = JSON.stringify(config);
    const known = measured.get(same);
    if (known !== undefined) return { ...known, title };
    const out = join(folder, `${assignments.join(',').replaceAll(/[^\w.=,]/g, '') || 'full'}-${seed}`);
    if (!existsSync(join(out, RUN_FILES.evaluation))) {
      await trainRun(config, { out, dataset, resume: existsSync(join(out, RUN_FILES.run)) });
    }
    const { ranking, distillation } = config.model.weights as { ranking: number; distillation: number };
    const reranks = ranking > 0 || distillation > 0;
    const text = JSON.stringify({
      data: 'kuairand-pure',
      retrieve: { run: out, items },
      ...(reranks && { rank: { run: out, items: 20 } }),
      evaluation: { requests, ks: [10], sweep: { retrieve: [items], prerank: [items] } },
    });
    const cascade = await openCascade(parseCascade(text, 'bench', folder), { loaded: () => dataset });
    const { metrics, upqeOurs, guarantees } = await evaluateCascade(cascade);
    await cascade.release();
    const row: Row = {
      title,
      seed,
      ndcg10: metrics.stages.at(-1)!.ndcg[10]!,
      recall: metrics.stages[0]!.recall,
      irretrievable: metrics.irretrievable,
      upqeOurs,
      ...(guarantees && { guarantees }),
    };
    measured.set(same, row);
    return row;
  };
  const table = async (titles: Record<string, Record<string, unknown>>): Promise<Row[]> => {
    const rows: Row[] = [];
    for (const [title, keys] of Object.entries(titles)) {
      for (const seed of seeds) rows.push(await measure(title, keys, seed));
      console.log(line(title, rows.slice(-seeds.length)));
    }
    return rows;
  };

  const baselines = await table(BASELINES);
  const strengths = await table(
    Object.fromEntries(STRENGTHS.map((weight) => [`λ₃ = ${weight}`, { 'model.weights.distillation': weight }])),
  );
  await writeResults('lt-ttd', {
    dataset: dataset.name,
    dataHash: dataset.hash,
    retrieve: items,
    requests,
    baselines,
    strengths,
    environment: environment(),
  });
  if (kept === '') await rm(folder, { recursive: true });
}

function line(title: string, rows: readonly Row[]): string {
  const mean = (value: (row: Row) => number | null | undefined) => {
    const values = rows.map(value).filter((one) => one !== null && one !== undefined);
    return values.length === 0 ? '–' : (values.reduce((a, b) => a + b, 0) / values.length).toFixed(4);
  };
  return [
    title.padEnd(38),
    `NDCG@10 ${mean((row) => row.ndcg10)}`,
    `recall ${mean((row) => row.recall)}`,
    `|U| ${mean((row) => row.irretrievable)}`,
    `UPQE_ours ${mean((row) => row.upqeOurs.arithmetic)}`,
    `ε ${mean((row) => row.guarantees?.divergence)}`,
    `μ ${mean((row) => row.guarantees?.leastShare)}`,
    `bound ${mean((row) => row.guarantees?.bound)}`,
    `lost ${mean((row) => row.guarantees?.lostShare)} ≤ ${mean((row) => row.guarantees?.pinsker)}`,
  ].join('  ');
}
