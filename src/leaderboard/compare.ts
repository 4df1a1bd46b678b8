import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import type { LoadProgress } from '../data/load.js';
import { TwoTowerError } from '../errors.js';
import { modelOf } from '../runs/config.js';
import { loadRunData, withLabel } from '../runs/data.js';
import { environment } from '../runs/environment.js';
import type { RunEvent } from '../runs/events.js';
import { type Cell, type CellResult, cellFolder, fillCell } from './cell.js';
import type { LeaderboardPlan, TablePlan } from './config.js';
import { cutOffs } from './protocols.js';
import { type Entry, type Leaderboard, tableOf } from './results.js';
import { slicesOf } from './slices.js';
import { type TuneEvent, tune } from './tune/tune.js';

/** What is told while cells are filled. */
export type CompareEvent =
  | { type: 'begin'; cell: Cell; done: number; total: number }
  | { type: 'run'; event: RunEvent }
  | CellEnd
  | { type: 'tuning'; protocol: string; model: string; event: TuneEvent }
  | { type: 'judging'; protocol: string };

export interface CellEnd {
  type: 'end';
  cell: Cell;
  result: CellResult;
  /** Was there before. */
  kept: boolean;
  seconds: number;
  done: number;
  total: number;
}

export interface CompareOptions {
  /** Folder of the leaderboard; what is finished in it is kept. */
  out: string;
  onEvent?: (event: CompareEvent) => void;
  /** When aborted, ends with RUN_INTERRUPTED in a state from which the same call goes on. */
  signal?: AbortSignal;
}

/** The cells of a table, seed by seed, so that early results are about all models. */
export function cellsOf({ protocol, models, seeds }: TablePlan, out: string): Cell[] {
  return seeds.flatMap((seed) =>
    [...models].map(([model, config]) => ({
      protocol: protocol.name,
      model,
      seed,
      config: { ...config, training: { ...config.training, seed } },
      folder: cellFolder(out, protocol.name, model, seed),
    })),
  );
}

/**
 * Trains every model of every table with every seed and compares the results.
 *
 * @throws what `trainRun` does, and RUN_INVALID where a cell was trained otherwise before
 */
export async function compare(plan: LeaderboardPlan, options: CompareOptions): Promise<Leaderboard> {
  const { out, onEvent = () => {}, signal } = options;
  const total = plan.tables.reduce((sum, table) => sum + cellsOf(table, out).length, 0);
  const tables: Leaderboard['tables'] = [];
  let done = 0;
  let loaded: { key: string; dataset: Dataset } | undefined;
  for (const said of plan.tables) {
    const { data, label } = [...said.models.values()][0]!;
    const key = JSON.stringify(data);
    // One log at a time is kept; protocols that share one stand next to each other as a rule.
    if (loaded?.key !== key) {
      const onProgress = (progress: LoadProgress) => onEvent({ type: 'run', event: { type: 'loading', progress } });
      loaded = { key, dataset: await loadRunData({ data }, { onProgress }) };
    }
    const dataset = withLabel(loaded.dataset, label);
    checkTable(said, dataset);
    const table = said.trials === 0 ? said : { ...said, models: await tuned(said, dataset, options) };
    const entries = new Map<string, Entry[]>([...table.models.keys()].map((name) => [name, []]));
    for (const cell of cellsOf(table, out)) {
      onEvent({ type: 'begin', cell, done, total });
      const begun = performance.now();
      const { kept, ...result } = await fillCell(cell, {
        dataset,
        corpus: cutOffs(table.protocol).length > 0,
        onEvent: (event) => onEvent({ type: 'run', event }),
        signal,
      });
      entries.get(cell.model)!.push({ seed: cell.seed, result });
      done++;
      onEvent({ type: 'end', cell, result, kept, seconds: (performance.now() - begun) / 1e3, done, total });
    }
    onEvent({ type: 'judging', protocol: table.protocol.name });
    tables.push(tableOf(table, entries, dataset, plan));
  }
  const { title, resamples, level } = plan;
  return { title, resamples, level, environment: environment(), tables };
}

/** Every model with the best of as many trials, judged with the first seed on the validation part. */
async function tuned(
  { protocol, models, seeds, trials }: TablePlan,
  dataset: Dataset,
  { out, onEvent = () => {}, signal }: CompareOptions,
): Promise<TablePlan['models']> {
  const best: TablePlan['models'] = new Map();
  for (const [model, config] of models) {
    const { config: found } = await tune(
      { ...config, training: { ...config.training, seed: seeds[0]! } },
      {
        out: join(out, 'tuning', protocol.name, model),
        dataset,
        trials,
        onEvent: (event) => onEvent({ type: 'tuning', protocol: protocol.name, model, event }),
        signal,
      },
    );
    best.set(model, found);
  }
  return best;
}

/** What would come out only after hours of training. */
function checkTable({ protocol, models, slices }: TablePlan, dataset: Dataset): void {
  slicesOf(dataset, slices);
  if (cutOffs(protocol).length === 0) return;
  for (const [name, config] of models) {
    const { definition, options } = modelOf(config);
    if (definition.create(dataset.schema, options).retrieval !== undefined) continue;
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `${protocol.name}: ${name} scores candidates one by one and cannot rank all items`,
      'Take it out of the tables whose metrics are recall@k, ndcg@k or the like.',
    );
  }
}
