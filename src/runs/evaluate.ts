import type { Dataset, SplitName } from '../data/dataset.js';
import { evaluate } from '../evaluation/evaluate.js';
import type { EvaluationResult } from '../evaluation/report.js';
import { checkSameData, loadRunData, type RunDataOptions, withLabel } from './data.js';
import type { Run } from './open.js';

export interface EvaluateRunOptions extends RunDataOptions {
  /** Part of the log; default test. */
  split?: SplitName;
  /** Told the share done, 0 to 1. */
  onEvaluating?: (done: number) => void;
  /** The run's dataset, when the caller has it loaded. */
  dataset?: Dataset;
}

/** All metrics of a run on one part of the data it was trained on. @throws RUN_INVALID when the data has changed */
export async function evaluateRun(run: Run, options: EvaluateRunOptions = {}): Promise<EvaluationResult> {
  const { split = 'test', onEvaluating } = options;
  const given = options.dataset && withLabel(options.dataset, run.config.label);
  const dataset = given ?? (await loadRunData(run.config, options));
  checkSameData(run.folder, run.record.dataHash, dataset);
  return evaluate(run.inference, dataset, dataset.splits[split], {
    ks: run.config.evaluation.ks,
    ...(onEvaluating && { onProgress: onEvaluating }),
  });
}
