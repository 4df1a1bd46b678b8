import type { Dataset } from '../data/dataset.js';
import type { SampleTable } from '../data/samples.js';
import type { TeacherVectors } from '../data/teacher-vectors.js';
import { keepFreedMemory, type Parameter } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import { matches, type TrainingOptions } from './config.js';
import { drawLists } from './lists.js';
import { createObjective, refuseBlind } from './objectives.js';
import { createOptimizer } from './optimizers.js';
import type { ParameterStore } from './parameter-store.js';
import { refuseStreamed } from './refuse-streamed.js';
import type { TrainingGraphOptions } from './training-graph.js';
import { trainingPasses } from './training-passes.js';

/** What is trained on besides the dataset. */
export interface TrainingData {
  /** Lists; drawn as `training.lists` says unless given. */
  samples?: SampleTable;
  /** A teacher's logit for every event, NaN where there is none, where training goes over single events. */
  teacher?: Float32Array;
  /** A teacher's vectors of items and requests. */
  vectors?: TeacherVectors;
}

/** A training as far as it is the same in one process and in several. */
export interface SetUp {
  data: TrainingData;
  graph: TrainingGraphOptions & { bundleOf: (table: Parameter) => string };
  stepsPerEpoch: number;
}

export async function setUp(
  model: ModelParts,
  dataset: Dataset,
  options: TrainingOptions,
  given: TrainingData,
): Promise<SetUp> {
  keepFreedMemory();
  const { seed, lists } = options;
  if (dataset.stream !== undefined) {
    refuseStreamed({
      lists: lists ?? given.samples,
      teacher: options.teacher ?? given.teacher ?? given.vectors,
    });
  }
  const samples = given.samples ?? (lists && (await drawLists(dataset, lists, seed)));
  const data: TrainingData = { ...given, ...(samples && { samples }) };
  const objectives = options.objectives.map(createObjective);
  const { stages, shown, events, splits, stream } = dataset;
  const held = samples?.stage ?? stream?.trainedStages ?? splits.train.map((row) => events.stage[row]!);
  refuseBlind(objectives, { stages, shown, lists: samples !== undefined }, held);
  return {
    data,
    graph: {
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
      optimizer: createOptimizer(options.optimizer),
      groupOf: (parameter) => groupOf(options, parameter),
      bundleOf: (table) => bundleOf(options, table),
      ...(options.clip !== undefined && { clip: options.clip }),
    },
    stepsPerEpoch: trainingPasses(dataset, samples, options).stepsPerEpoch,
  };
}

/** Decay and learning-rate factor of every dense weight. */
export function weightRules(store: ParameterStore, options: TrainingOptions): Record<'decay' | 'factor', Float32Array> {
  const result = { decay: new Float32Array(store.denseSize), factor: new Float32Array(store.denseSize) };
  for (const parameter of store.parameters) {
    if (parameter.kind !== 'dense') continue;
    const size = parameter.shape.reduce((a, b) => a * b, 1);
    const offset = store.offset(parameter.name);
    const { decay, factor } = groupOf(options, parameter);
    result.decay.fill(decay, offset, offset + size);
    result.factor.fill(factor, offset, offset + size);
  }
  return result;
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
