import type { Dataset } from '../data/dataset.js';
import { TwoTowerError } from '../errors.js';
import type { ModelDefinition } from '../models/contract.js';
import type { RunConfig } from '../runs/config.js';
import { checkSameData, loadRunData, type RunDataOptions, seenUntil, withLabel } from '../runs/data.js';
import { openRun, type Run } from '../runs/open.js';
import { checkSameLog } from './align.js';
import type { CascadeConfig } from './config.js';
import { Phase } from './phase.js';

export type PhaseName = 'retrieve' | 'prerank' | 'rank';

/** The runs of a cascade with the log they are asked about. Release it when done. */
export interface Cascade {
  config: CascadeConfig;
  dataset: Dataset;
  /** One object where two phases are one run. */
  phases: { retrieve: Phase; prerank?: Phase; rank?: Phase };
  /** Time of the last event that each run saw, in seconds since 1970. */
  seenUntil: { retrieve: number; prerank?: number; rank?: number };
  release(): Promise<void>;
}

export interface OpenCascadeOptions extends RunDataOptions {
  /** Told of what is off but does not prevent the cascade's use. */
  warn?: (message: string) => void;
  /** Models besides the registered ones that the runs may use. */
  // biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
  models?: readonly ModelDefinition<any>[];
  /** The dataset that a section `data` describes, if the caller has it loaded. */
  loaded?: (data: RunConfig['data']) => Dataset | undefined;
}

/**
 * Opens the runs of a cascade and computes the states of all items for each.
 *
 * @throws RUN_INVALID where a run is none, cannot retrieve though it should, or was trained on another log
 */
export async function openCascade(config: CascadeConfig, options: OpenCascadeOptions = {}): Promise<Cascade> {
  const { warn, models } = options;
  const datasets = new Map<string, Dataset>();
  // Also where a run was trained window by window: requests are asked by the rows of their events.
  const load = async ({ stream: _, ...data }: RunConfig['data']): Promise<Dataset> => {
    const key = JSON.stringify(data);
    const known = options.loaded?.(data) ?? datasets.get(key) ?? (await loadRunData({ data }, options));
    datasets.set(key, known);
    return known;
  };
  const dataset = withLabel(await load(config.data), config.label);
  const runs = new Map<string, { run: Run; phase: Phase; seenUntil: number }>();
  const release = async () => {
    for (const { phase } of runs.values()) await phase.release();
  };
  const open = async (folder: string) => {
    const opened = runs.get(folder);
    if (opened !== undefined) return opened;
    const run = await openRun(folder, { ...(warn && { warn }), ...(models && { models }), threads: config.threads });
    try {
      const own = await load(run.config.data);
      checkSameData(folder, run.record.dataHash, own);
      checkSameLog(dataset, own, folder);
      const index = { ...config.retrieve.index, threads: config.threads };
      const phase = await Phase.create(run, own, dataset, index);
      const result = { run, phase, seenUntil: run.record.seenUntil ?? seenUntil(own) };
      runs.set(folder, result);
      return result;
    } catch (error) {
      await run.release();
      throw error;
    }
  };
  try {
    const retrieve = await open(config.retrieve.run);
    if (retrieve.run.model.retrieval === undefined) {
      throw new TwoTowerError(
        'RUN_INVALID',
        `retrieve: ${config.retrieve.run} is a ${retrieve.run.config.model.name}, which scores candidates one by one and cannot retrieve`,
        'Name a run of a model whose score is an inner product, such as youtube-dnn or dssm.',
      );
    }
    const prerank = config.prerank && (await open(config.prerank.run));
    const rank = config.rank && (await open(config.rank.run));
    return {
      config,
      dataset,
      phases: {
        retrieve: retrieve.phase,
        ...(prerank && { prerank: prerank.phase }),
        ...(rank && { rank: rank.phase }),
      },
      seenUntil: {
        retrieve: retrieve.seenUntil,
        ...(prerank && { prerank: prerank.seenUntil }),
        ...(rank && { rank: rank.seenUntil }),
      },
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}
