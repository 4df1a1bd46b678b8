import { Random } from '../random.js';
import { checkWhole } from './checks.js';
import type { UserStatistic } from './user-statistics.js';

export interface ResampleOptions {
  /** Different users in the log. */
  users: number;
  /** How often users are drawn anew. */
  resamples: number;
  /** Runs that are compared need the same: they must be asked about the same draws. */
  seed: number;
}

/** One run's figure, on the log and on logs of users drawn from it. */
export interface Replicates {
  observed: number;
  /** [resamples]; NaN where the drawn users leave the figure without a value. */
  values: Float64Array;
}

/** How a model differs from its baseline. */
export interface Comparison {
  /** Mean over the model's seeds - mean over the baseline's. */
  difference: number;
  /** 95 % of what users and seeds might have made of it lies between these. */
  low: number;
  high: number;
  /** Two-sided, not corrected for other comparisons. */
  p: number;
}

/**
 * A figure on logs of as many users, drawn with replacement: exposures of one user are not independent of each other, so whole
 * users are drawn (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 8). Draw b is the same for every
 * statistic with the same options.
 *
 * @throws RangeError when the figure has no value on the log itself
 */
export function replicate(statistic: UserStatistic, options: ResampleOptions): Replicates {
  return replicateAll([statistic], options)[0]!;
}

/** Several figures on the same draws, which take longer to make than most figures to compute. Otherwise as `replicate`. */
export function replicateAll(
  statistics: readonly UserStatistic[],
  { users, resamples, seed }: ResampleOptions,
): Replicates[] {
  checkWhole('replicate', 'users', users, 1);
  checkWhole('replicate', 'resamples', resamples, 1);
  const times = new Uint32Array(users).fill(1);
  const found = statistics.map((statistic) => {
    const observed = statistic(times);
    if (observed === undefined) throw new RangeError('replicate: the figure has no value');
    return { statistic, observed, values: new Float64Array(resamples) };
  });
  for (let b = 0; b < resamples; b++) {
    const random = Random.of(seed, 'users', b);
    times.fill(0);
    for (let i = 0; i < users; i++) times[random.below(users)]!++;
    for (const { statistic, values } of found) values[b] = statistic(times) ?? Number.NaN;
  }
  return found.map(({ observed, values }) => ({ observed, values }));
}

/**
 * Whether a model differs from its baseline by more than other users and other seeds would explain: a paired bootstrap. Each draw
 * asks both about the same users, and draws as many runs as there are from each one's seeds; the mean of few drawn runs varies
 * too little by √((S − 1)/S), which is made up for (Davison and Hinkley, "Bootstrap Methods and their Application", 1997,
 * section 2.5). With one seed the answer is about this one run: what another seed would give is not in it.
 *
 * p = 2 (1 + draws on the rarer side of 0) / (1 + draws), a draw of exactly 0 counting for both sides; draws without a value are
 * left out.
 *
 * @param model one per seed, replicated with the same options as
 * @param baseline one per seed
 */
export function compareRuns(
  model: readonly Replicates[],
  baseline: readonly Replicates[],
  { seed }: Pick<ResampleOptions, 'seed'>,
): Comparison {
  checkWhole('compareRuns', "the number of the model's runs", model.length, 1);
  checkWhole('compareRuns', "the number of the baseline's runs", baseline.length, 1);
  const resamples = model[0]!.values.length;
  const differences: number[] = [];
  for (let b = 0; b < resamples; b++) {
    const random = Random.of(seed, 'seeds', b);
    const difference = drawnMean(model, b, random) - drawnMean(baseline, b, random);
    if (!Number.isNaN(difference)) differences.push(difference);
  }
  const sorted = Float64Array.from(differences).sort();
  const below = sorted.filter((value) => value <= 0).length;
  const above = sorted.filter((value) => value >= 0).length;
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return {
    difference: meanOf(model.map(({ observed }) => observed)) - meanOf(baseline.map(({ observed }) => observed)),
    low: at(0.025),
    high: at(0.975),
    p: Math.min(1, (2 * (1 + Math.min(below, above))) / (1 + sorted.length)),
  };
}

/** The mean of runs drawn with replacement on the users of draw b. */
function drawnMean(runs: readonly Replicates[], b: number, random: Random): number {
  const mean = meanOf(runs.map(({ values }) => values[b]!));
  if (runs.length === 1) return mean;
  const drawn = meanOf(runs.map(() => runs[random.below(runs.length)]!.values[b]!));
  return mean + Math.sqrt(runs.length / (runs.length - 1)) * (drawn - mean);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
