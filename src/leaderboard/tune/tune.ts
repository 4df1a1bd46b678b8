import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Dataset } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import { writeFileAtomic } from '../../files.js';
import type { RunConfig } from '../../runs/config.js';
import type { RunEvent } from '../../runs/events.js';
import { refuseForeignFolder } from '../../runs/writable.js';
import type { SearchSpace } from '../../search-space.js';
import { doJobs } from '../parallel/do-jobs.js';
import type { TrialJob } from '../parallel/job.js';
import { lowerIsBetter } from '../protocols.js';
import { rungsOf, survivors } from './halving.js';
import { declaredSpace, type Proposal, propose } from './propose.js';
import type { TrialState } from './trial.js';

export type TuneEvent =
  | { type: 'rung'; rung: number; rungs: number; trials: number; validations: number | undefined }
  | { type: 'begin'; trial: Proposal /** Within the rung, from 0. */; done: number; total: number }
  | { type: 'run'; trial: Proposal; event: RunEvent }
  | { type: 'end'; trial: Proposal; state: TrialState; value: number | undefined };

export interface TuneOptions {
  /** Folder of the search; what is done in it is kept. */
  out: string;
  dataset: Dataset;
  /** How many configurations are tried, the given one among them. */
  trials: number;
  /** Instead of what the model declares. */
  space?: SearchSpace | undefined;
  seed?: number;
  /** How many are trained at a time, each in a thread of its own. */
  parallel?: number;
  /** Of one session, instead of what the configuration says; 0 takes every core. */
  threads?: number;
  onEvent?: (event: TuneEvent) => void;
  /** When aborted, ends with RUN_INTERRUPTED in a state from which the same call goes on. */
  signal?: AbortSignal | undefined;
}

export interface TrialResult extends TrialState {
  number: number;
  changes: Record<string, unknown>;
  /** The best value so far; absent where there is none. */
  value?: number;
  /** Rungs it was trained in, from 1. */
  rungs: number;
}

export interface TuneResult {
  metric: string;
  space: SearchSpace;
  seed: number;
  /** The best first: of two, the one that came further, then the one with the better value. */
  trials: TrialResult[];
  best: number;
  /** The configuration of the best trial. */
  config: RunConfig;
}

/** Folder of the runs of a search. */
const TRIALS = 'trials';

/** Files of a search in its folder, besides the runs. */
export const TUNE_FILES = { config: 'best.yaml', trials: 'trials.json' } as const;

/**
 * Searches for better options by successive halving. The metric of `training.validation` on the validation part decides alone; the
 * test part is not looked at. The same call gives the same trials, values and decisions, interrupted or not.
 *
 * @throws CONFIG_INVALID where the space does not fit; TRAIN_DIVERGED where no trial could be trained; RUN_INVALID where the folder
 *   holds another search; USAGE where it holds something else; RUN_INTERRUPTED
 */
export async function tune(config: RunConfig, options: TuneOptions): Promise<TuneResult> {
  const { out, dataset, trials, seed = 1, parallel = 1, onEvent = () => {}, signal } = options;
  refuseForeignFolder(out, [TRIALS, ...Object.values(TUNE_FILES)]);
  const threads = options.threads ?? config.threads;
  const space = options.space ?? declaredSpace(config);
  const { metric, perEpoch } = config.training.validation;
  const lower = metric === 'calibrationError' || lowerIsBetter(metric);
  const proposals = propose(config, space, trials, seed);
  const results = new Map<number, TrialResult>();
  // A trial may have another number of epochs; the rungs are those of the configuration.
  const rungs = rungsOf(trials, config.training.epochs * perEpoch);
  let running = proposals;
  for (const [i, { validations, trials: most }] of rungs.entries()) {
    running =
      i === 0
        ? running
        : survivors(
            running.map((trial) => ({ trial, value: results.get(trial.number)!.value })),
            most,
            lower,
          ).map(({ trial }) => trial);
    onEvent({ type: 'rung', rung: i + 1, rungs: rungs.length, trials: running.length, validations });
    const jobs = running.map((trial): TrialJob => {
      const own = { ...trial, config: { ...trial.config, threads } };
      return { type: 'trial', trial: own, folder: join(out, TRIALS, `trial-${trial.number}`), until: validations };
    });
    const scoreOf = ({ failed, values }: TrialState) =>
      failed === undefined ? bestOf(values.slice(0, validations), lower) : undefined;
    const states = await doJobs(jobs, dataset, {
      parallel,
      onBegin: (job) => onEvent({ type: 'begin', trial: job.trial, done: jobs.indexOf(job), total: jobs.length }),
      onEvent: ({ trial }, event) => onEvent({ type: 'run', trial, event }),
      onEnd: ({ trial }, state) => onEvent({ type: 'end', trial, state, value: scoreOf(state) }),
      signal,
    });
    for (const [at, { number, changes }] of running.entries()) {
      const state = states[at]!;
      const value = scoreOf(state);
      results.set(number, { number, changes, ...state, ...(value !== undefined && { value }), rungs: i + 1 });
    }
  }
  const sign = lower ? 1 : -1;
  const worth = ({ value }: TrialResult) => (value === undefined ? Number.POSITIVE_INFINITY : sign * value);
  const ordered = [...results.values()].sort((a, b) => {
    return b.rungs - a.rungs || (worth(a) === worth(b) ? a.number - b.number : worth(a) - worth(b));
  });
  const best = ordered.find(({ value }) => value !== undefined);
  if (best === undefined) {
    throw new TwoTowerError(
      'TRAIN_DIVERGED',
      `none of ${trials} trials could be trained: ${ordered[0]?.failed ?? 'there is no validation'}`,
      'Narrow the search space.',
    );
  }
  const found = {
    metric,
    space,
    seed,
    trials: ordered,
    best: best.number,
    config: proposals[best.number - 1]!.config,
  };
  await mkdir(out, { recursive: true });
  await writeFileAtomic(join(out, TUNE_FILES.config), stringify(found.config));
  await writeFileAtomic(join(out, TUNE_FILES.trials), `${JSON.stringify(found, null, 2)}\n`);
  return found;
}

function bestOf(values: readonly number[], lower: boolean): number | undefined {
  if (values.length === 0) return undefined;
  return lower ? Math.min(...values) : Math.max(...values);
}
