import {
  add,
  allPositions,
  apply,
  Build,
  broadcastTo,
  type CompiledGraph,
  type CompileOptions,
  cast,
  compile,
  concat,
  constant,
  cumulativeSum,
  divide,
  gradients,
  input,
  inScope,
  type Lookup,
  minimum,
  multiply,
  type Parameter,
  parameterOp,
  product,
  reduceSum,
  reshape,
  scatterSumOp,
  sqrt,
  square,
  subtract,
  type Tensor,
  tableRows,
} from '../graph/index.js';
import { gatherState, type ModelParts, type TrainOutputs } from '../models/contract.js';
import { itemInputs, userInputs } from '../models/inputs.js';
import type { LossContext } from '../nn/losses/loss.js';
import type { Schema } from '../schema.js';
import { type BatchContents, cascadeInputs, rerankLists, teacherAgreement } from './cascade-inputs.js';
import { type Objective, similarityMatrix, totalLoss } from './objectives.js';
import { applyOptimizer, type Optimizer } from './optimizers.js';

/** Names of feeds and outputs of the training step that are not the batch's. */
export const STEP_FEEDS = {
  dense: 'dense',
  states: 'states',
  rate: 'schedule.rate',
  step: 'schedule.step',
  stepsPerEpoch: 'schedule.stepsPerEpoch',
  /** Per weight: decay and factor on the learning rate. */
  decay: 'dense#decay',
  factor: 'dense#factor',
} as const;

/** Fed where the step reads it. */
export const LOGQ_FEED = 'item.logq';

export const denseSlot = (slot: string): string => `dense.${slot}`;
export const tableSlot = (table: string, slot: string): string => `${table}.${slot}`;

/** Decay and learning-rate factor of one parameter, as the config's groups decide. */
export interface ParameterGroup {
  decay: number;
  factor: number;
}

export interface TrainingGraphOptions {
  model: ModelParts;
  schema: Schema;
  objectives: readonly Objective[];
  /** Pairs alone where absent. */
  contents?: BatchContents;
  /** Whether the objectives weigh themselves by learned uncertainties. */
  uncertainty?: boolean;
  optimizer: Optimizer;
  /** Largest norm of all gradients together; unlimited where absent. */
  clip?: number;
  groupOf(parameter: Parameter): ParameterGroup;
  /** Tables of one width and one group may share a bundle, which costs as much per step as one table. */
  bundleOf?: (table: Parameter) => string;
}

export interface TrainingGraph {
  compiled: CompiledGraph;
  parameters: Parameter[];
  lookups: Lookup[];
  /** Losses and metrics among the outputs: scalars. */
  reported: string[];
  /** The forward pass alone, for finding out where a bad number came from. */
  forward: Tensor;
  /** Everything the step returns, for reading its cost off the graph. */
  outputs: Record<string, Tensor>;
}

/**
 * One training step as one graph: forward pass, gradients and the optimizer's update of every dense parameter and of every
 * touched row. Reads the batch's feeds, `STEP_FEEDS` and the tables; returns new values under the names of the old.
 */
export function buildTrainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const { optimizer, clip, groupOf, bundleOf } = options;
  const build = new Build(true, bundleOf);
  return build.run(() => {
    const { loss, reported } = forwardPass(options);
    const parameters = [...build.parameters.values()];
    const dense = parameters.filter(({ kind }) => kind === 'dense');
    const leaf = ({ name, shape }: Parameter) => apply(parameterOp, [], { name, shape });
    const flows = gradients(loss, [...dense.map(leaf), ...build.found]);

    const denseGradient = flatten(dense.map((parameter, i) => flows[i] ?? multiply(leaf(parameter), 0)));
    const bundleGradients = gradientsOfBundles(build, flows.slice(dense.length));
    const squares = [denseGradient, ...bundleGradients.map(({ gradient }) => gradient)].map((g) =>
      reduceSum(square(g)),
    );
    const norm = sqrt(squares.reduce((a, b) => add(a, b)));
    const shrink = clip === undefined ? undefined : minimum(divide(clip, add(norm, 1e-12)), 1);
    const clipped = (gradient: Tensor) => (shrink === undefined ? gradient : multiply(gradient, shrink));

    const rate = input(STEP_FEEDS.rate, []);
    const scalars = Object.fromEntries(
      Object.keys(optimizer.scalars(1)).map((name) => [name, input(`schedule.${name}`, [])]),
    );
    const outputs: Record<string, Tensor> = { loss, gradientNorm: norm, ...reported };
    const size = sizeOfAll(dense);
    if (size > 0) {
      const groups = dense.map(groupOf);
      const vector = input(STEP_FEEDS.dense, [size]);
      const update = applyOptimizer(
        optimizer,
        vector,
        clipped(denseGradient),
        optimizer.slots.map((slot) => input(denseSlot(slot), [size])),
        {
          rate: groups.some(({ factor }) => factor !== 1) ? multiply(rate, input(STEP_FEEDS.factor, [size])) : rate,
          decay: groups.some(({ decay }) => decay !== 0) ? input(STEP_FEEDS.decay, [size]) : 0,
          scalars,
        },
      );
      outputs[`new ${STEP_FEEDS.dense}`] = update.value;
      optimizer.slots.forEach((slot, i) => {
        outputs[`new ${denseSlot(slot)}`] = update.slots[i]!;
      });
    }
    for (const { bundle, width, table, gradient } of bundleGradients) {
      const { decay, factor } = groupOf(table);
      const slots = optimizer.slots.map((slot) => tableRows(bundle, width, tableSlot(bundle, slot)));
      const update = applyOptimizer(optimizer, tableRows(bundle, width), clipped(gradient), slots, {
        rate: multiply(rate, factor),
        decay,
        scalars,
      });
      outputs[`new ${bundle}`] = update.value;
      optimizer.slots.forEach((slot, i) => {
        outputs[`new ${tableSlot(bundle, slot)}`] = update.slots[i]!;
      });
    }
    const states = parameters.filter(({ kind }) => kind === 'state');
    if (states.length > 0) {
      outputs[`new ${STEP_FEEDS.states}`] = flatten(states.map((s) => build.updates.get(s.name) ?? leaf(s)));
    }

    return {
      compiled: compile('training step', outputs, { read: readFromVectors(dense, states) }),
      parameters,
      lookups: build.lookups,
      reported: ['loss', 'gradientNorm', ...Object.keys(reported)],
      forward: loss,
      outputs,
    };
  });
}

/** The gradient of every bundle's touched rows, [U:BUNDLE, width], from those of the rows that each lookup found. */
function gradientsOfBundles(build: Build, flows: readonly (Tensor | undefined)[]) {
  const members = new Map<string, { table: Parameter; parts: Tensor[]; used: boolean }>();
  build.lookups.forEach(({ bundle, table }, i) => {
    const found = build.found[i]!;
    const part = flows[i] ?? multiply(found, 0);
    const member = members.get(bundle) ?? { table: build.parameters.get(table)!, parts: [], used: false };
    member.parts.push(reshape(part, [product(found.shape.slice(0, -1)), found.shape.at(-1)!]));
    member.used ||= flows[i] !== undefined;
    members.set(bundle, member);
  });
  return [...members].flatMap(([bundle, { table, parts, used }]) => {
    if (!used) return [];
    const width = table.shape[1]!;
    const [first, ...more] = parts as [Tensor, ...Tensor[]];
    const total = more.length === 0 ? first.shape[0]! : `N:${bundle}`;
    const positions = input(allPositions(bundle), [total], 'int32');
    const gradient = apply(scatterSumOp, [first, positions, tableRows(bundle, width), ...more]);
    return [{ bundle, width, table, gradient }];
  });
}

/** Lets the graph read each parameter as a piece of the long vector it is stored in. */
export function readFromVectors(
  dense: readonly Parameter[],
  states: readonly Parameter[],
): NonNullable<CompileOptions['read']> {
  const places = new Map<string, { vector: string; total: number; offset: number; size: number }>();
  for (const [vector, members] of [
    [STEP_FEEDS.dense, dense],
    [STEP_FEEDS.states, states],
  ] as const) {
    let offset = 0;
    const total = sizeOfAll(members);
    for (const { name, shape } of members) {
      const size = shape.reduce((a, b) => a * b, 1);
      places.set(name, { vector, total, offset, size });
      offset += size;
    }
  }
  return (parameter, emit) => {
    const place = places.get(parameter.attributes.name);
    if (place === undefined) return undefined;
    const { vector, total, offset, size } = place;
    const whole = emit.input({ name: vector, dtype: 'float32', shape: [total] });
    const piece = emit.node('Slice', [whole, emit.ints([offset]), emit.ints([offset + size]), emit.ints([0])]);
    return emit.node('Reshape', [piece, emit.ints(parameter.shape as number[])]);
  };
}

function forwardPass({ model, schema, objectives, contents, uncertainty = false }: TrainingGraphOptions) {
  const user = userInputs(schema, 'B');
  const item = itemInputs(schema, 'I');
  const userState = inScope('user', () => model.user(user));
  const itemState = inScope('item', () => model.item(item));
  const request = input('pair.request', ['P'], 'int32');
  const itemRow = input('pair.item', ['P'], 'int32');
  const label = input('pair.label', ['P']);
  const logq = input(LOGQ_FEED, ['I']);
  const step = input(STEP_FEEDS.step, []);
  const stepsPerEpoch = input(STEP_FEEDS.stepsPerEpoch, []);
  const cascade = contents && cascadeInputs(contents);
  const lists = cascade?.lists;
  const result = ((): TrainOutputs => {
    if (model.train !== undefined) {
      const pairs = { request, itemRow, label, logq, ...(lists && { lists }) };
      return inScope('train', () => model.train!({ user, item, userState, itemState, ...pairs, step, stepsPerEpoch }));
    }
    return {
      logits: inScope('score', () => model.score(gatherState(userState, request), gatherState(itemState, itemRow))),
    };
  })();
  const { logits } = result;
  const context: LossContext = {
    logits,
    label,
    weight: input('pair.weight', ['P']),
    request,
    itemRow,
    ...cascade,
    states: { item: itemState, user: userState },
    ...(model.retrieval && { retrieval: model.retrieval }),
    step,
    stepsPerEpoch,
    ...(objectives.some(({ needs }) => needs === 'matrix') && {
      ...(result.similarity === undefined
        ? { similarity: inScope('score', () => similarityMatrix(model, userState, itemState)) }
        : { similarity: result.similarity, view: rowNumbers(label) }),
      logq,
    }),
    ...(lists &&
      model.rerank !== undefined &&
      objectives.some(({ needs }) => needs === 'rerank') && {
        reranked: rerankLists(model, userState, gatherState(itemState, itemRow), logits, lists),
      }),
  };
  const { total, parts } = totalLoss(objectives, context, { uncertainty, ...(contents && { shown: contents.shown }) });
  const own = Object.values(result.losses ?? {});
  const reported = {
    ...prefixed('loss.', { ...parts, ...result.losses }),
    ...prefixed('metric.', { ...result.metrics, ...teacherAgreement(context) }),
  };
  return { loss: own.reduce((a, b) => add(a, b), total), reported };
}

/** 0, 1, 2, … as int32, as many as `x` has elements: [P]. */
function rowNumbers(x: Tensor): Tensor {
  const ones = broadcastTo(constant([1], [1]), x.shape, x);
  return cast(subtract(cumulativeSum(ones), 1), 'int32');
}

function prefixed(prefix: string, tensors: Record<string, Tensor>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}${name}`, tensor]));
}

function sizeOfAll(parameters: readonly Parameter[]): number {
  return parameters.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
}

function flatten(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0) return constant([0], [1]);
  return concat(
    tensors.map((tensor) => reshape(tensor, [-1])),
    0,
  );
}
