import type { Dataset } from '../data/dataset.js';
import { type CalibrationBin, calibration } from '../evaluation/calibration.js';
import { holm } from '../evaluation/holm.js';
import { type Comparison, compareRuns, type Replicates, replicateAll } from '../evaluation/significance.js';
import { places, type Spread, spread } from '../evaluation/spread.js';
import { type Outcomes, selectOutcomes, userStatistic } from '../evaluation/user-statistics.js';
import type { RunConfig } from '../runs/config.js';
import type { Environment } from '../runs/environment.js';
import type { CellResult } from './cell.js';
import type { LeaderboardPlan, TablePlan } from './config.js';
import type { Measured } from './measured.js';
import { lowerIsBetter, type Protocol } from './protocols.js';
import type { Published } from './published.js';
import { slicesOf } from './slices.js';

/** A difference from the baseline and whether it means anything. */
export interface JudgedComparison extends Comparison {
  /** p, corrected for all comparisons of the same column. */
  corrected: number;
  verdict: 'better' | 'worse' | 'no significant difference';
}

export interface MetricResult extends Spread {
  /** Among the models of the table, 1 = best by the mean. */
  place: number;
  /** Absent for the baseline itself. */
  comparison?: JudgedComparison;
}

export interface ModelResult {
  name: string;
  /** Complete but for the seed. */
  config: Omit<RunConfig, 'training'> & { training: Omit<RunConfig['training'], 'seed'> };
  runs: Measured[];
  /** Seeds whose training diverged, and what it said. */
  diverged: { seed: number; message: string }[];
  /** By metric; empty where no seed was trained to the end. */
  metrics: Record<string, MetricResult>;
  /** Of the first seed's predictions on the test part. */
  calibration: CalibrationBin[];
}

/** One metric over a part of the exposures. */
export interface SliceResult {
  by: string;
  group: string;
  exposures: number;
  /** Mean over the seeds by model; null where the part is too small to have a value. */
  values: Record<string, Record<string, number | null>>;
}

export interface TableResult {
  protocol: Protocol;
  dataset: string;
  dataHash: string;
  counts: { train: number; validation: number; test: number; testUsers: number };
  baseline: string;
  /** With which every model was tuned before; 0 where they are as their configurations say. */
  trials: number;
  models: ModelResult[];
  /** What stands beside the models and was not trained like them, with its value of each metric. */
  references: { name: string; about?: string; values: Record<string, number | null> }[];
  published?: Published;
  slices: SliceResult[];
}

/** Scores of the test part that come from no model of the table. */
export interface Reference {
  name: string;
  /** What they are, in words that could stand for its name. */
  about?: string;
  outcomes: Outcomes;
}

/** Everything a leaderboard found: `results.json`. */
export interface Leaderboard {
  title: string;
  resamples: number;
  level: number;
  environment: Environment;
  tables: TableResult[];
}

/** One seed of a model that came to an end, or did not. */
export interface Entry {
  seed: number;
  result: CellResult;
}

/** Puts a table together from its cells. */
export function tableOf(
  plan: TablePlan,
  entries: ReadonlyMap<string, readonly Entry[]>,
  dataset: Dataset,
  { resamples, level }: Pick<LeaderboardPlan, 'resamples' | 'level'>,
  references: readonly Reference[] = [],
): TableResult {
  const { protocol, baseline, published } = plan;
  // A published pipeline numbers users and items of the test part anew: nothing there is new or known.
  const slices = slicesOf(dataset, plan.slices).filter(({ by }) => protocol.pipeline === undefined || by.includes('.'));
  const trained = new Map(
    [...entries].map(([name, list]) => [name, list.flatMap(({ result }) => ('measured' in result ? [result] : []))]),
  );
  const outcomes = new Map([...trained].map(([name, list]) => [name, list.map((one) => one.outcomes)]));
  const drawn = drawnFigures(protocol.metrics, outcomes, resamples);
  const metrics = Object.fromEntries(
    protocol.metrics.map((metric, i) => [metric, column(metric, drawn[i]!, baseline, level)]),
  );
  const { splits } = dataset;
  const models = [...entries].map(([name, list]): ModelResult => {
    const runs = trained.get(name)!;
    const first = runs[0]?.outcomes;
    const { training, ...config } = plan.models.get(name)!;
    const { seed: _, ...unseeded } = training;
    return {
      name,
      config: { ...config, training: unseeded },
      runs: runs.map(({ measured }) => measured),
      diverged: list.flatMap(({ seed, result }) => ('diverged' in result ? [{ seed, message: result.diverged }] : [])),
      metrics: Object.fromEntries(
        protocol.metrics.flatMap((metric) => {
          const found = metrics[metric]!.get(name);
          return found === undefined ? [] : [[metric, found]];
        }),
      ),
      calibration: first === undefined ? [] : calibration(first.logits, first.labels, { bins: 10 }).bins,
    };
  });
  return {
    protocol,
    dataset: dataset.name,
    dataHash: dataset.hash,
    counts: {
      train: splits.train.length,
      validation: splits.validation.length,
      test: splits.test.length,
      testUsers: new Set(Array.from(splits.test, (row) => dataset.events.user[row]!)).size,
    },
    baseline,
    trials: plan.trials,
    models,
    references: references.map(({ name, about, outcomes }) => ({
      name,
      ...(about !== undefined && { about }),
      values: Object.fromEntries(protocol.metrics.map((metric) => [metric, valueOn(metric, outcomes) ?? null])),
    })),
    ...(published && { published }),
    slices: slices.map(({ by, group, keep }) => ({
      by,
      group,
      exposures: keep.reduce((a: number, b) => a + b, 0),
      values: Object.fromEntries(
        [...outcomes].map(([name, runs]) => {
          const selected = runs.map((one) => selectOutcomes(one, keep));
          return [name, Object.fromEntries(protocol.metrics.map((metric) => [metric, meanOver(metric, selected)]))];
        }),
      ),
    })),
  };
}

/** For every metric, the runs of each model that has a value of it, on the log and on users drawn from it. */
function drawnFigures(
  metrics: readonly string[],
  runs: ReadonlyMap<string, readonly Outcomes[]>,
  resamples: number,
): Map<string, Replicates[]>[] {
  const asked = metrics.flatMap((metric, column) =>
    [...runs].flatMap(([name, list]) =>
      // A metric that has no value on this log has none for any model.
      list.length === 0 || valueOn(metric, list[0]!) === undefined
        ? []
        : list.map((outcomes) => ({ column, name, statistic: userStatistic(metric, outcomes) })),
    ),
  );
  const columns = metrics.map(() => new Map<string, Replicates[]>());
  if (asked.length === 0) return columns;
  const users = [...runs.values()].flat()[0]!.userCount;
  // Every model is asked about the same users: the seed of the draws is that of all tables.
  const found = replicateAll(
    asked.map(({ statistic }) => statistic),
    { users, resamples, seed: 1 },
  );
  for (const [i, { column, name }] of asked.entries()) {
    columns[column]!.set(name, [...(columns[column]!.get(name) ?? []), found[i]!]);
  }
  return columns;
}

/** One metric of all models: mean, place, and the difference from the baseline with p corrected over the column. */
function column(
  metric: string,
  drawn: ReadonlyMap<string, Replicates[]>,
  baseline: string,
  level: number,
): Map<string, MetricResult> {
  const names = [...drawn.keys()];
  const spreads = names.map((name) => spread(drawn.get(name)!.map(({ observed }) => observed))!);
  const place = places(
    spreads.map(({ mean }) => mean),
    lowerIsBetter(metric),
  );
  const base = drawn.get(baseline);
  const others = base === undefined ? [] : names.filter((name) => name !== baseline);
  const comparisons = others.map((name) => compareRuns(drawn.get(name)!, base!, { seed: 1 }));
  const corrected = holm(comparisons.map(({ p }) => p));
  return new Map(
    names.map((name, i) => {
      const at = others.indexOf(name);
      const result: MetricResult = { ...spreads[i]!, place: place[i]! };
      if (at >= 0) result.comparison = judge(comparisons[at]!, corrected[at]!, metric, level);
      return [name, result];
    }),
  );
}

function judge(comparison: Comparison, corrected: number, metric: string, level: number): JudgedComparison {
  const gain = lowerIsBetter(metric) ? -comparison.difference : comparison.difference;
  const verdict = corrected >= level ? 'no significant difference' : gain > 0 ? 'better' : 'worse';
  return { ...comparison, corrected, verdict };
}

function meanOver(metric: string, runs: readonly Outcomes[]): number | null {
  const values = runs.map((outcomes) => valueOn(metric, outcomes));
  return values.some((value) => value === undefined) ? null : (spread(values as number[])?.mean ?? null);
}

function valueOn(metric: string, outcomes: Outcomes): number | undefined {
  return userStatistic(metric, outcomes)(new Uint32Array(outcomes.userCount).fill(1));
}
