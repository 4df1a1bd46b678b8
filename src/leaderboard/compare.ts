import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import type { LoadProgress } from '../data/load.js';
import { TwoTowerError } from '../errors.js';
import { modelOf } from '../runs/config.js';
import { loadRunData, withLabel } from '../runs/data.js';
import { environment } from '../runs/environment.js';
import type { RunEvent } from '../runs/events.js';
import { refuseForeignFolder } from '../runs/writable.js';
import { prepareTable } from './as-published/prepare.js';
import { type Cell, cellFolder, type UntimedResult } from './cell.js';
import type { LeaderboardPlan, TablePlan } from './config.js';
import { fillCells } from './fill-cells.js';
import { loggedScores } from './logged-scores.js';
import { cutOffs } from './protocols.js';
import { type Entry, type Leaderboard, tableOf } from './results.js';
import { slicesOf } from './slices.js';
import { type TuneEvent, tune } from './tune/tune.js';

/** What is told while cells are filled. */
export type CompareEvent =
  | { type: 'loading'; progress: LoadProgress }
  | { type: 'begin'; cell: Cell; done: number; total: number }
  | { type: 'run'; cell: Cell; event: RunEvent }
  | CellEnd
  | { type: 'tuning'; protocol: string; model: string; event: TuneEvent }
  | { type: 'timing'; cell: Cell }
  | { type: 'judging'; protocol: string };

export interface CellEnd {
  type: 'end';
  cell: Cell;
  result: UntimedResult;
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

/** What stands in the folder of a leaderboard that was begun. */
const OWN = ['cells', 'data', 'tuning'];

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
 * Trains every model of every table with every seed, `plan.parallel` at a time, and compares the results. Nothing but the times in
 * them depends on how many are trained at a time.
 *
 * @throws what `trainRun` does, RUN_INVALID where a cell was trained otherwise before, and USAGE where the folder holds something else
 */
export async function compare(plan: LeaderboardPlan, options: CompareOptions): Promise<Leaderboard> {
  const { out, onEvent = () => {}, signal } = options;
  const { parallel } = plan;
  refuseForeignFolder(out, OWN);
  const total = plan.tables.reduce((sum, table) => sum + cellsOf(table, out).length, 0);
  const tables: Leaderboard['tables'] = [];
  let done = 0;
  let loaded: { key: string; dataset: Dataset } | undefined;
  for (const said of plan.tables) {
    const { data, label } = [...said.models.values()][0]!;
    const key = JSON.stringify(data);
    // One log at a time is kept; protocols that share one stand next to each other as a rule.
    if (loaded?.key !== key) {
      const onProgress = (progress: LoadProgress) => onEvent({ type: 'loading', progress });
      loaded = { key, dataset: await loadRunData({ data }, { onProgress }) };
    }
    const asked = await prepared(said, withLabel(loaded.dataset, label), out);
    const { dataset, references } = asked;
    checkTable(asked.table, dataset);
    const { trials } = said;
    const table =
      trials === 0 ? asked.table : { ...asked.table, models: await tuned(asked.table, dataset, parallel, options) };
    const cells = cellsOf(table, out);
    const results = await fillCells(cells, {
      dataset,
      parallel,
      signal,
      onEvent(event) {
        if (event.type === 'begin') onEvent({ ...event, done, total });
        else if (event.type === 'end') onEvent({ ...event, done: ++done, total });
        else onEvent(event);
      },
    });
    const entries = new Map<string, Entry[]>([...table.models.keys()].map((name) => [name, []]));
    for (const [i, { model, seed }] of cells.entries()) entries.get(model)!.push({ seed, result: results[i]! });
    onEvent({ type: 'judging', protocol: table.protocol.name });
    tables.push(tableOf(table, entries, dataset, plan, references));
  }
  const { title, resamples, level } = plan;
  return { title, resamples, level, environment: environment(), tables };
}

async function prepared(table: TablePlan, dataset: Dataset, out: string): ReturnType<typeof prepareTable> {
  if (table.protocol.pipeline !== undefined) return prepareTable(table, dataset, out);
  return { table, dataset, references: loggedScores(table.protocol, dataset) };
}

/** Every model with the best of as many trials, judged with the first seed on the validation part. */
async function tuned(
  { protocol, models, seeds, trials }: TablePlan,
  dataset: Dataset,
  parallel: number,
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
        parallel,
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
