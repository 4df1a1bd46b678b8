import type { Dataset } from '../data/dataset.js';
import { listCount, type SampleTable } from '../data/samples.js';
import type { TeacherVectors } from '../data/teacher-vectors.js';
import { TwoTowerError } from '../errors.js';
import { type Parameter, type PreparedFeeds, Program, type ProgramOptions } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import { Random } from '../random.js';
import type { Feed, Feeds } from '../schema.js';
import type { PreparedBatch } from './batch-source.js';
import { type BatchStream, openStream } from './batch-stream.js';
import { matches, type TrainingOptions } from './config.js';
import { locateDivergence } from './divergence.js';
import { drawLists } from './lists.js';
import { createObjective, refuseBlind } from './objectives.js';
import { createOptimizer, type Optimizer } from './optimizers.js';
import { ParameterStore } from './parameter-store.js';
import { scheduleFactor } from './schedule.js';
import { writeRows } from './table-rows.js';
import {
  buildTrainingGraph,
  denseSlot,
  LOGQ_FEED,
  STEP_FEEDS,
  type TrainingGraph,
  tableSlot,
} from './training-graph.js';

/** Scalars that a step reports: `loss`, `gradientNorm`, `loss.NAME`, `metric.NAME`. */
export type StepReport = Record<string, number>;

/** What is trained on besides the dataset. */
export interface TrainingData {
  /** Lists; drawn as `training.lists` says unless given. */
  samples?: SampleTable;
  /** A teacher's logit for every event, NaN where there is none, where training goes over single events. */
  teacher?: Float32Array;
  /** A teacher's vectors of items and requests. */
  vectors?: TeacherVectors;
}

interface PreparedStep {
  batch: PreparedBatch;
  feeds: Feeds;
  prepared: PreparedFeeds;
}

/**
 * Trains one model on one data set, step by step. Steps follow from the seed and the step number alone, so that a trainer
 * restored to step n goes on as if it had never stopped.
 */
export class Trainer {
  /** Steps done. */
  step = 0;
  /** Pairs of the last step. */
  pairs = 0;
  readonly stepsPerEpoch: number;
  private readonly decay: Float32Array;
  private readonly factor: Float32Array;

  private constructor(
    readonly dataset: Dataset,
    readonly options: TrainingOptions,
    readonly store: ParameterStore,
    readonly graph: TrainingGraph,
    private readonly program: Program,
    private readonly optimizer: Optimizer,
    private readonly batches: BatchStream,
    readonly data: TrainingData,
  ) {
    this.stepsPerEpoch = stepsPerEpoch(dataset, options, data.samples);
    const dense = graph.parameters.filter(({ kind }) => kind === 'dense');
    this.decay = perWeight(store, dense, (parameter) => groupOf(options, parameter).decay);
    this.factor = perWeight(store, dense, (parameter) => groupOf(options, parameter).factor);
  }

  static async create(
    model: ModelParts,
    dataset: Dataset,
    options: TrainingOptions,
    program: ProgramOptions = {},
    given: TrainingData = {},
  ): Promise<Trainer> {
    const { seed, lists } = options;
    const samples = given.samples ?? (lists && (await drawLists(dataset, lists, seed)));
    const data: TrainingData = { ...given, ...(samples && { samples }) };
    const objectives = options.objectives.map(createObjective);
    const { stages, shown, events, splits } = dataset;
    const held = samples?.stage ?? splits.train.map((row) => events.stage[row]!);
    refuseBlind(objectives, { stages, shown, lists: samples !== undefined }, held);
    const optimizer = createOptimizer(options.optimizer);
    const graph = buildTrainingGraph({
      model,
      schema: dataset.schema,
      objectives,
      contents: {
        lists: samples !== undefined,
        teacher: (samples === undefined ? given.teacher : samples.teacher) !== undefined,
        stages,
        shown,
        ...(data.vectors && { vectors: widths(data.vectors) }),
      },
      uncertainty: options.uncertainty,
      optimizer,
      groupOf: (parameter) => groupOf(options, parameter),
      bundleOf: (table) => bundleOf(options, table),
      ...(options.clip !== undefined && { clip: options.clip }),
    });
    const store = new ParameterStore(graph.parameters, optimizer, options.seed, (table) => bundleOf(options, table));
    const batches = openStream(
      {
        dataset,
        options,
        ...data,
        logq: graph.compiled.inputs.some(({ name }) => name === LOGQ_FEED),
        lookups: graph.lookups,
        bundles: new Map([...store.bundles].map(([name, { rows, offsets }]) => [name, { rows, offsets }])),
        plan: { inputs: graph.compiled.inputs, plans: graph.compiled.plans, randoms: graph.compiled.randoms },
      },
      stepsPerEpoch(dataset, options, samples) * options.epochs,
    );
    const loaded = await Program.load(graph.compiled, program);
    return new Trainer(dataset, options, store, graph, loaded, optimizer, batches, data);
  }

  get totalSteps(): number {
    return this.stepsPerEpoch * this.options.epochs;
  }

  /** Continues after `step`. */
  restore(step: number): void {
    this.step = step;
  }

  /** Runs the next step. The batches after it are prepared meanwhile. */
  async next(): Promise<StepReport> {
    const current = this.complete(await this.batches.take(this.step));
    const outputs = await this.program.run(current.prepared, this.targets());
    const report: StepReport = {};
    for (const name of this.graph.reported) report[name] = Number(outputs[name]!.data[0]);
    if (!Number.isFinite(report.loss) || !Number.isFinite(report.gradientNorm)) {
      throw await this.divergence(current, report);
    }
    for (const { bundle, rows } of current.batch.touched) {
      const { width, values, slots } = this.store.bundles.get(bundle)!;
      const update = outputs[`new ${bundle}`];
      if (update === undefined) continue;
      writeRows(values, width, rows, update.data as Float32Array);
      this.optimizer.slots.forEach((slot, i) => {
        writeRows(slots[i]!, width, rows, outputs[`new ${tableSlot(bundle, slot)}`]!.data as Float32Array);
      });
    }
    this.store.dense.swap();
    for (const slot of this.store.denseSlots) slot.swap();
    this.store.states.swap();
    this.pairs = current.batch.events.length;
    this.step++;
    return report;
  }

  async release(): Promise<void> {
    await this.batches.close();
    await this.program.release();
  }

  /** Adds to a batch what the step reads besides: the current values of all that is trained, and the schedule's numbers. */
  private complete(batch: PreparedBatch): PreparedStep {
    const { options, store, optimizer, step } = this;
    const scalar = (value: number): Feed => ({ data: Float32Array.of(value), shape: [] });
    const vector = ({ current }: ParameterStore['dense']): Feed => ({ data: current, shape: [current.length] });
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
    for (const [name, { rows, width, values, slots }] of store.bundles) {
      feeds[name] = { data: values, shape: [rows, width] };
      optimizer.slots.forEach((slot, i) => {
        feeds[tableSlot(name, slot)] = { data: slots[i]!, shape: [rows, width] };
      });
    }
    return { batch, feeds, prepared: this.program.prepare(feeds) };
  }

  /** Where the run writes the new dense values: the half of each double buffer that it does not read. */
  private targets(): Record<string, { data: Float32Array; shape: number[] }> {
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

  private async divergence({ batch, feeds }: PreparedStep, report: StepReport): Promise<TwoTowerError> {
    const { step } = batch;
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

/** Tables of one width that are trained alike go together. */
function bundleOf(options: TrainingOptions, table: Parameter): string {
  const { decay, factor } = groupOf(options, table);
  return `embeddings of ${table.shape[1]} with decay ${decay} and rate ${factor}`;
}

function widths({ item, user }: TeacherVectors): { item?: number; user?: number } {
  return { ...(item && { item: item.width }), ...(user && { user: user.width }) };
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

function stepsPerEpoch(dataset: Dataset, { batchSize }: TrainingOptions, samples: SampleTable | undefined): number {
  return Math.ceil((samples === undefined ? dataset.splits.train.length : listCount(samples)) / batchSize);
}
