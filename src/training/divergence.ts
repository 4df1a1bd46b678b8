import { compile, multiply, Program, reachable, reduceSum, type Tensor } from '../graph/index.js';
import type { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import { readFromVectors, type TrainingGraph } from './training-graph.js';

/** Looks for the first tensor of the forward pass that is not finite and says where in the model it was made. */
export async function locateDivergence(graph: TrainingGraph, feeds: Feeds, random: Random): Promise<string> {
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
