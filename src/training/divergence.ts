import { TwoTowerError } from '../errors.js';
import { compile, multiply, Program, reachable, reduceSum, type Tensor } from '../graph/index.js';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import type { PreparedBatch } from './batch-source.js';
import type { StepReport } from './training.js';
import { readFromVectors, type StepGraph } from './training-graph.js';

/** Looks for the first tensor of the forward pass that is not finite and says where in the model it was made. */
export async function locateDivergence(
  graph: Pick<StepGraph, 'forward' | 'parameters'>,
  feeds: Feeds,
  random: Random,
): Promise<string> {
  const nodes = reachable([graph.forward]).filter(({ dtype, op }) => dtype === 'float32' && op.name !== 'constant');
  const outputs: Record<string, Tensor> = {};
  nodes.forEach((node, i) => {
    // 0 if everything is finite, NaN otherwise. A maximum would not do: ONNX Runtime's passes over NaN.
    outputs[`probe${i}`] = reduceSum(multiply(node, 0));
  });
  const read = readFromVectors(
    graph.parameters.filter(({ kind }) => kind === 'dense'),
    graph.parameters.filter(({ kind }) => kind === 'state'),
  );
  const program = await Program.load(compile('divergence', outputs, { read }));
  try {
    const probes = await program.call(feeds, random);
    const first = nodes.findIndex((_, i) => Number(probes[`probe${i}`]!.data[0]) !== 0);
    if (first < 0) return 'every tensor of the forward pass is finite, so the gradient overflowed';
    const { op, attributes, scope } = nodes[first]!;
    const label = attributes.name ?? attributes.table;
    return label === undefined
      ? `the first bad tensor is the result of ${op.name} at ${scope}`
      : `the first bad tensor is ${label} itself`;
  } finally {
    await program.release();
  }
}

interface Failed {
  batch: PreparedBatch;
  seed: number;
  stepsPerEpoch: number;
}

/** What to tell of a step whose loss or gradient is not finite. `feeds` are all that the step has read. */
export async function divergence(
  graph: Pick<StepGraph, 'forward' | 'parameters'>,
  feeds: Feeds,
  report: StepReport,
  { batch, seed, stepsPerEpoch }: Failed,
): Promise<TwoTowerError> {
  const { step, events } = batch;
  const place = await locateDivergence(graph, feeds, Random.of(seed, 'step', step));
  const epoch = Math.floor(step / stepsPerEpoch) + 1;
  const what = Number.isFinite(report.loss)
    ? `the gradient's norm is ${report.gradientNorm}`
    : `the loss is ${report.loss}`;
  return new TwoTowerError(
    'TRAIN_DIVERGED',
    `step ${step + 1} (epoch ${epoch}, batch of event rows ${Array.from(events.subarray(0, 3)).join(', ')}, …): ${what}; ${place}`,
    'lower training.learningRate, set training.clip, or look at the named rows of the data',
  );
}
