import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { TwoTowerError } from '../errors.js';
import { evaluate } from '../evaluation/evaluate.js';
import { resultToJson } from '../evaluation/report.js';
import { listCheckpoints, loadLatest, markBest, saveCheckpoint } from '../training/checkpoints.js';
import type { Inference } from '../training/inference.js';
import type { ParameterStore } from '../training/parameter-store.js';
import type { StoredTensor } from '../training/safetensors.js';
import type { Training } from '../training/training.js';
import { loadBest } from './best.js';
import type { RunConfig } from './config.js';
import { consider, type Search } from './early-stopping.js';
import type { RunEvent } from './events.js';
import { RUN_FILES } from './folder.js';
import { MetricsLog } from './metrics-log.js';

/** What a checkpoint holds besides arrays: nothing that depends on the clock, so that equal runs have equal bytes. */
type LoopState = {
  search: Search;
  /** Lines of metrics.jsonl when the checkpoint was made. */
  lines: number;
  finished: boolean;
  /** Sum and number of the losses since the last line. */
  loss: { sum: number; count: number };
};

const START: LoopState = { search: { best: null, stale: 0 }, lines: 0, finished: false, loss: { sum: 0, count: 0 } };

/** Trains step by step: reports, validates, keeps checkpoints, and stops when validation no longer improves. */
export class TrainingLoop {
  private search = START.search;
  private finished = START.finished;
  private loss = { ...START.loss };
  private readonly log: MetricsLog;
  private readonly checkpoints: string;

  constructor(
    private readonly config: RunConfig,
    private readonly out: string,
    private readonly dataset: Dataset,
    private readonly trainer: Training,
    private readonly inference: Inference,
    private readonly onEvent: (event: RunEvent) => void,
    private readonly signal?: AbortSignal,
  ) {
    this.log = new MetricsLog(join(out, RUN_FILES.metrics));
    this.checkpoints = join(out, RUN_FILES.checkpoints);
  }

  /** Goes back to the newest intact checkpoint; to the start where training was stopped before the first. */
  async restore(): Promise<void> {
    let state = START;
    if ((await listCheckpoints(this.checkpoints)).length > 0) {
      const checkpoint = await loadLatest(this.checkpoints, (error) =>
        this.onEvent({ type: 'warning', message: `${error.message}; going back to the checkpoint before it` }),
      );
      restoreArrays(this.trainer.store, checkpoint.tensors);
      await this.trainer.restore(checkpoint.step);
      state = checkpoint.state as LoopState;
      // The run may have ended between the checkpoint and its being named the best.
      if (state.search.best !== null) await markBest(this.checkpoints, state.search.best.step);
    }
    this.search = state.search;
    this.finished = state.finished;
    this.loss = { ...state.loss };
    await this.log.rewind(state.lines);
  }

  /**
   * Trains to the end.
   *
   * @returns samples per second over the training steps alone
   * @throws RUN_INTERRUPTED after a checkpoint was written, when `signal` asked for it
   */
  async run(): Promise<number | null> {
    const { trainer, config } = this;
    const { epochs, validation, checkpointEvery } = config.training;
    const { stepsPerEpoch, totalSteps } = trainer;
    await mkdir(this.checkpoints, { recursive: true });
    const reportEvery = Math.max(1, Math.round(stepsPerEpoch / 20));
    const validateAt = validationSteps(stepsPerEpoch, validation.perEpoch);
    const begun = trainer.step;
    let seconds = 0;
    let samples = 0;
    while (!this.finished && trainer.step < totalSteps) {
      if (this.signal?.aborted) throw await this.interrupted();
      const started = performance.now();
      const report = await trainer.next();
      seconds += (performance.now() - started) / 1000;
      const { step } = trainer;
      const within = step % stepsPerEpoch || stepsPerEpoch;
      samples += trainer.pairs;
      this.loss.sum += report.loss!;
      this.loss.count++;
      const epoch = Math.ceil(step / stepsPerEpoch);
      const samplesPerSecond = samples / seconds;
      const loss = this.loss.sum / this.loss.count;
      const secondsLeft = ((totalSteps - step) * seconds) / (step - begun);
      this.onEvent({ type: 'step', step, totalSteps, epoch, epochs, loss, samplesPerSecond, secondsLeft });
      if (step % reportEvery === 0 || within === stepsPerEpoch) {
        this.loss = { sum: 0, count: 0 };
        const speed = Math.round(samplesPerSecond);
        await this.log.append({ type: 'train', step, epoch, ...report, loss, samplesPerSecond: speed });
      }
      if (validateAt.has(within)) await this.validate(epoch);
      else if (checkpointEvery !== undefined && step % checkpointEvery === 0) {
        await trainer.collect();
        await this.save();
      }
    }
    return seconds === 0 ? this.log.lastSpeed() : samples / seconds;
  }

  /** Puts the best checkpoint's values into the store; returns its step. */
  async useBest(): Promise<number> {
    const best = await loadBest(this.checkpoints, (message) => this.onEvent({ type: 'warning', message }));
    restoreArrays(this.trainer.store, best.tensors);
    return best.step;
  }

  private async validate(epoch: number): Promise<void> {
    const { trainer, config, dataset, onEvent } = this;
    const { metric, patience } = config.training.validation;
    const { step } = trainer;
    await trainer.collect();
    const result = await evaluate(this.inference, dataset, dataset.splits.validation, {
      ks: config.evaluation.ks,
      // Only what the choice rests on: the other half may take as long as the training.
      only: metric.includes('@') ? 'corpus' : 'impressions',
      onProgress: (done) => onEvent({ type: 'evaluating', split: 'validation', done }),
    });
    const { search, improved } = consider(this.search, step, metric, result);
    this.search = search;
    this.finished = search.stale >= patience || step >= trainer.totalSteps;
    const json = resultToJson(result);
    await this.log.append({ type: 'validation', step, epoch, ...json.metrics });
    await this.save();
    if (improved) await markBest(this.checkpoints, step);
    onEvent({ type: 'validation', step, epoch, metric, result: json, improved, finished: this.finished });
  }

  private async save(): Promise<void> {
    const { search, finished, loss, trainer } = this;
    const state: LoopState = { search, lines: this.log.lines, finished, loss };
    await saveCheckpoint(this.checkpoints, { step: trainer.step, tensors: trainer.store.arrays(), state });
  }

  private async interrupted(): Promise<TwoTowerError> {
    if (this.trainer.step > 0) {
      await this.trainer.collect();
      await this.save();
    }
    const { step, totalSteps } = this.trainer;
    return new TwoTowerError(
      'RUN_INTERRUPTED',
      `stopped after step ${step} of ${totalSteps}`,
      `Continue with: twotower train --resume --out ${this.out}`,
    );
  }
}

/** Steps within an epoch after which to validate; the last one always. */
function validationSteps(stepsPerEpoch: number, perEpoch: number): Set<number> {
  return new Set(
    Array.from({ length: perEpoch }, (_, i) => Math.max(1, Math.round(((i + 1) * stepsPerEpoch) / perEpoch))),
  );
}

function restoreArrays(store: ParameterStore, tensors: ReadonlyMap<string, StoredTensor>): void {
  for (const [name, { data }] of store.arrays()) {
    const saved = tensors.get(name);
    if (saved === undefined || saved.data.length !== data.length) {
      throw new TwoTowerError(
        'RUN_INVALID',
        `the checkpoint has no ${name} of ${data.length} values`,
        'It was written by another version of the model: begin a new run.',
      );
    }
    data.set(saved.data as Float32Array);
  }
}
