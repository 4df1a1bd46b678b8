import { type Batch, BatchAssembler } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { epochBatches } from '../data/epochs.js';
import { countItems, popularitySampler, uniformSampler } from '../data/sampling.js';
import { TwoTowerError } from '../errors.js';
import { type Parameter, type PreparedFeeds, Program, type ProgramOptions } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import { Random } from '../random.js';
import type { Feed, Feeds } from '../schema.js';
import { matches, type TrainingOptions } from './config.js';
import { locateDivergence } from './divergence.js';
import { createObjective, type Objective } from './objectives.js';
import { createOptimizer, type Optimizer } from './optimizers.js';
import { ParameterStore } from './parameter-store.js';
import { scheduleFactor } from './schedule.js';
import { RowTracker, type Touched, writeRows } from './table-rows.js';
import { buildTrainingGraph, denseSlot, STEP_FEEDS, type TrainingGraph, tableSlot } from './training-graph.js';

/** Scalars that a step reports: `loss`, `gradientNorm`, `loss.NAME`, `metric.NAME`. */
export type StepReport = Record<string, number>;

interface PreparedStep {
  step: number;
  batch: Batch;
  feeds: Feeds;
  prepared: PreparedFeeds;
  touched: Touched[];
}

/**
 * Trains one model on one data set, step by step. Steps follow from the seed and the step number alone, so that a trainer
 * restored to step n goes on as if it had never stopped.
 */
export class Trainer {
  /** Steps done. */
  step = 0;
  readonly stepsPerEpoch: number;
  private ahead: PreparedStep | undefined;
  private readonly decay: Float32Array;
  private readonly factor: Float32Array;
  private epoch: { number: number; batches: ReturnType<typeof epochBatches> } | undefined;

  private constructor(
    readonly dataset: Dataset,
    readonly options: TrainingOptions,
    readonly store: ParameterStore,
    readonly graph: TrainingGraph,
    private readonly program: Program,
    private readonly optimizer: Optimizer,
    private readonly assembler: BatchAssembler,
    private readonly tracker: RowTracker,
  ) {
    this.stepsPerEpoch = epochBatches(dataset.splits.train, options.batchSize, options.seed, 0).steps;
    const dense = graph.parameters.filter(({ kind }) => kind === 'dense');
    this.decay = perWeight(store, dense, (parameter) => groupOf(options, parameter).decay);
    this.factor = perWeight(store, dense, (parameter) => groupOf(options, parameter).factor);
  }

  static async create(
    model: ModelParts,
    dataset: Dataset,
    options: TrainingOptions,
    program: ProgramOptions = {},
  ): Promise<Trainer> {
    const objectives = options.objectives.map(createObjective);
    const optimizer = createOptimizer(options.optimizer);
    const graph = buildTrainingGraph({
      model,
      schema: dataset.schema,
      objectives,
      optimizer,
      groupOf: (parameter) => groupOf(options, parameter),
      ...(options.clip !== undefined && { clip: options.clip }),
    });
    const store = new ParameterStore(graph.parameters, optimizer, options.seed);
    const assembler = createAssembler(dataset, options, objectives);
    const tracker = new RowTracker(graph.lookups, store);
    return new Trainer(
      dataset,
      options,
      store,
      graph,
      await Program.load(graph.compiled, program),
      optimizer,
      assembler,
      tracker,
    );
  }

  get totalSteps(): number {
    return this.stepsPerEpoch * this.options.epochs;
  }

  /** Continues after `step`: whatever was prepared for another step is dropped. */
  restore(step: number): void {
    this.step = step;
    this.ahead = undefined;
  }

  /** Runs the next step. The batch after it is prepared meanwhile. */
  async next(): Promise<StepReport> {
    const current = this.ahead ?? this.prepare(this.step);
    const running = this.program.run(current.prepared, this.targets(current));
    // Some of what the next step reads is written by this run, but only read once this one has ended.
    this.ahead = current.step + 1 < this.totalSteps ? this.prepare(current.step + 1) : undefined;
    const outputs = await running;
    const report: StepReport = {};
    for (const name of this.graph.reported) report[name] = Number(outputs[name]!.data[0]);
    if (!Number.isFinite(report.loss) || !Number.isFinite(report.gradientNorm)) {
      throw await this.divergence(current, report);
    }
    for (const { table, rows } of current.touched) {
      const { width, values, slots } = this.store.tables.get(table)!;
      const update = outputs[`new ${table}`];
      if (update === undefined) continue;
      writeRows(values, width, rows, update.data as Float32Array);
      this.optimizer.slots.forEach((slot, i) => {
        writeRows(slots[i]!, width, rows, outputs[`new ${tableSlot(table, slot)}`]!.data as Float32Array);
      });
    }
    this.store.dense.swap();
    for (const slot of this.store.denseSlots) slot.swap();
    this.store.states.swap();
    this.step++;
    return report;
  }

  async release(): Promise<void> {
    await this.program.release();
  }

  /** Event rows of a step, and which epoch it belongs to. */
  private rowsOf(step: number): Uint32Array {
    const { batchSize, seed } = this.options;
    const number = Math.floor(step / this.stepsPerEpoch);
    if (this.epoch?.number !== number) {
      this.epoch = { number, batches: epochBatches(this.dataset.splits.train, batchSize, seed, number) };
    }
    return this.epoch.batches.rows(step % this.stepsPerEpoch);
  }

  private prepare(step: number): PreparedStep {
    const { options, store, optimizer } = this;
    const batch = this.assembler.assemble(this.rowsOf(step), step);
    const touched = this.tracker.track(batch.feeds);
    const scalar = (value: number): Feed => ({ data: Float32Array.of(value), shape: [] });
    // The buffers change places after every step: steps ahead of the store's read what is now being written.
    const flipped = (step - this.step) % 2 === 1;
    const vector = (buffer: ParameterStore['dense']): Feed => {
      const data = flipped ? buffer.next : buffer.current;
      return { data, shape: [data.length] };
    };
    const feeds: Feeds = {
      ...batch.feeds,
      [STEP_FEEDS.dense]: vector(store.dense),
      [STEP_FEEDS.states]: vector(store.states),
      [STEP_FEEDS.rate]: scalar(options.learningRate * scheduleFactor(options.schedule, step + 1, this.totalSteps)),
      [STEP_FEEDS.step]: scalar(step),
      [STEP_FEEDS.stepsPerEpoch]: scalar(this.stepsPerEpoch),
      [STEP_FEEDS.decay]: { data: this.decay, shape: [this.decay.length] },
      [STEP_FEEDS.factor]: { data: this.factor, shape: [this.factor.length] },
    };
    for (const [name, value] of Object.entries(optimizer.scalars(step + 1))) feeds[`schedule.${name}`] = scalar(value);
    optimizer.slots.forEach((slot, i) => {
      feeds[denseSlot(slot)] = vector(store.denseSlots[i]!);
    });
    for (const [name, { rows, width, values, slots }] of store.tables) {
      feeds[name] = { data: values, shape: [rows, width] };
      optimizer.slots.forEach((slot, i) => {
        feeds[tableSlot(name, slot)] = { data: slots[i]!, shape: [rows, width] };
      });
    }
    const prepared = this.program.prepare(feeds, Random.of(options.seed, 'step', step));
    return { step, batch, feeds, prepared, touched };
  }

  /** Where the run writes the new dense values: the half of each double buffer that it does not read. */
  private targets({ step }: PreparedStep): Record<string, { data: Float32Array; shape: number[] }> {
    if (step !== this.step) throw new RangeError(`step ${step} is out of turn`);
    const { store, optimizer } = this;
    const targets: Record<string, { data: Float32Array; shape: number[] }> = {};
    const target = (name: string, data: Float32Array) => {
      if (data.length > 0) targets[`new ${name}`] = { data, shape: [data.length] };
    };
    target(STEP_FEEDS.dense, store.dense.next);
    target(STEP_FEEDS.states, store.states.next);
    optimizer.slots.forEach((slot, i) => {
      target(denseSlot(slot), store.denseSlots[i]!.next);
    });
    return targets;
  }

  private async divergence({ step, batch, feeds }: PreparedStep, report: StepReport): Promise<TwoTowerError> {
    const place = await locateDivergence(this.graph, feeds, Random.of(this.options.seed, 'step', step));
    const epoch = Math.floor(step / this.stepsPerEpoch) + 1;
    const what = Number.isFinite(report.loss)
      ? `the gradient's norm is ${report.gradientNorm}`
      : `the loss is ${report.loss}`;
    return new TwoTowerError(
      'TRAIN_DIVERGED',
      `step ${step + 1} (epoch ${epoch}, batch of event rows ${Array.from(batch.events.subarray(0, 3)).join(', ')}, …): ${what}; ${place}`,
      'lower training.learningRate, set training.clip, or look at the named rows of the data',
    );
  }
}

function groupOf(
  { groups, weightDecay }: TrainingOptions,
  { name, decay }: Parameter,
): { decay: number; factor: number } {
  const group = groups.find(({ match }) => matches(match, name));
  return { decay: decay ? (group?.weightDecay ?? weightDecay) : 0, factor: group?.rate ?? 1 };
}

function perWeight(store: ParameterStore, dense: readonly Parameter[], value: (p: Parameter) => number): Float32Array {
  const result = new Float32Array(store.denseSize);
  for (const parameter of dense) {
    const size = parameter.shape.reduce((a, b) => a * b, 1);
    const offset = store.offset(parameter.name);
    result.fill(value(parameter), offset, offset + size);
  }
  return result;
}

function createAssembler(dataset: Dataset, options: TrainingOptions, objectives: readonly Objective[]): BatchAssembler {
  const { seed, idDropout, itemPerPair, negatives } = options;
  const matrix = objectives.some(({ needs }) => needs === 'matrix');
  const counts =
    matrix || negatives ? countItems(dataset.events.item, dataset.splits.train, dataset.items.count) : undefined;
  const sampler =
    negatives &&
    (negatives.sampler === 'uniform'
      ? uniformSampler(dataset.items.count)
      : popularitySampler(counts!, negatives.power));
  return new BatchAssembler(dataset, {
    label: dataset.label,
    seed,
    idDropout,
    itemPerPair,
    ...(sampler && { negatives: { sampler, perBatch: negatives.perBatch } }),
    ...(matrix && { itemCounts: counts! }),
  });
}
