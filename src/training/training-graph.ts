import {
  add,
  allPositions,
  apply,
  Build,
  type CompiledGraph,
  type CompileOptions,
  compile,
  concat,
  constant,
  divide,
  gradients,
  input,
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
  type Tensor,
  tableRows,
} from '../graph/index.js';
import { toOwners, whole } from '../graph/partition/index.js';
import { type ForwardOptions, forwardPass } from './forward-pass.js';
import { applyOptimizer, type Optimizer } from './optimizers.js';
import { denseSlot, STEP_FEEDS, tableSlot } from './step-feeds.js';

/** Decay and learning-rate factor of one parameter, as the config's groups decide. */
export interface ParameterGroup {
  decay: number;
  factor: number;
}

export interface TrainingGraphOptions extends ForwardOptions {
  optimizer: Optimizer;
  /** Largest norm of all gradients together; unlimited where absent. */
  clip?: number;
  groupOf(parameter: Parameter): ParameterGroup;
  /** Tables of one width and one group may share a bundle, which costs as much per step as one table. */
  bundleOf?: (table: Parameter) => string;
}

/** One training step, not compiled yet. */
export interface StepGraph {
  parameters: Parameter[];
  lookups: Lookup[];
  /** Losses and metrics among the outputs: scalars. */
  reported: string[];
  /** The forward pass alone, for finding out where a bad number came from. */
  forward: Tensor;
  /** Everything the step returns, for reading its cost off the graph. */
  outputs: Record<string, Tensor>;
  /** How it reads the parameters. */
  read: NonNullable<CompileOptions['read']>;
}

export interface TrainingGraph extends StepGraph {
  compiled: CompiledGraph;
}

/** A bundle of tables as far as this process owns its rows, where several ranks have them between them. */
export const ownedBundle = (bundle: string): string => `own ${bundle}`;

/**
 * One training step as one graph: forward pass, gradients and the optimizer's update of every dense parameter and of every
 * touched row. Reads the batch's feeds, `STEP_FEEDS` and the tables; returns new values under the names of the old.
 */
export function buildTrainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const step = buildStep(options);
  return { ...step, compiled: compile('training step', step.outputs, { read: step.read }) };
}

/** @param shared whether several ranks will have it between them: the rows of tables are then updated by those who own them */
export function buildStep(options: TrainingGraphOptions, shared = false): StepGraph {
  const { optimizer, clip, groupOf, bundleOf } = options;
  const build = new Build(true, bundleOf);
  return build.run(() => {
    const { loss, reported } = forwardPass(options);
    const parameters = [...build.parameters.values()];
    const dense = parameters.filter(({ kind }) => kind === 'dense');
    const leaf = ({ name, shape }: Parameter) => apply(parameterOp, [], { name, shape });
    const flows = gradients(loss, [...dense.map(leaf), ...build.found]);

    const flat = flatten(dense.map((parameter, i) => flows[i] ?? multiply(leaf(parameter), 0)));
    const denseGradient = shared ? whole(flat) : flat;
    const bundleGradients = gradientsOfBundles(build, flows.slice(dense.length)).map((one) => {
      if (!shared) return { ...one, rows: one.bundle };
      const rows = ownedBundle(one.bundle);
      return { ...one, rows, gradient: toOwners(one.gradient, one.bundle, rows) };
    });
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
    for (const { bundle, rows, width, table, gradient } of bundleGradients) {
      const { decay, factor } = groupOf(table);
      const slots = optimizer.slots.map((slot) => tableRows(rows, width, tableSlot(rows, slot)));
      const update = applyOptimizer(optimizer, tableRows(rows, width), clipped(gradient), slots, {
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
      parameters,
      lookups: build.lookups,
      reported: ['loss', 'gradientNorm', ...Object.keys(reported)],
      forward: loss,
      outputs,
      read: readFromVectors(dense, states),
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
