import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import { touchedRows } from './build.js';
import { compile } from './compile.js';
import { gradients, reachable } from './gradient.js';
import { multiply } from './ops/arithmetic.js';
import { reduceSum } from './ops/broadcast.js';
import { input } from './ops/leaves.js';
import { type Output, type PreparedFeeds, Program } from './program.js';
import type { Tensor } from './tensor.js';

export interface FiniteDifferenceOptions {
  /** Leaves to check; every float32 input, parameter and table that is reached where absent. */
  leaves?: readonly Tensor[];
  /** Seed of the weights that contract the output, of random inputs and of which elements are looked at. */
  seed?: number;
  /** Elements looked at in each leaf; more are sampled. */
  maxElements?: number;
  /** Allowed relative error. */
  tolerance?: number;
  /** Half-widths of the central difference, tried in turn: the first ones are less noisy, the last step over fewer kinks. */
  steps?: readonly number[];
}

/** One element of one leaf: what the graph says its derivative is, and what the difference says. */
export interface GradientComparison {
  leaf: string;
  index: number;
  analytic: number;
  numeric: number;
  /** Their distance as a multiple of what is allowed: above 1 the gradient is wrong. */
  error: number;
}

/**
 * Compares the gradients of `output`, summed up with fixed random weights, with central differences, both through ONNX
 * Runtime. The difference is taken in float64, and what float32 outputs cannot resolve is allowed for.
 * @param feeds every input of the graph, parameters and tables included. They are not changed.
 * @returns the worst element; undefined where there was none to look at. See `describeComparison`.
 */
export async function compareGradients(
  output: Tensor,
  feeds: Feeds,
  options: FiniteDifferenceOptions = {},
): Promise<GradientComparison | undefined> {
  const { seed = 1, maxElements = 64, tolerance = 5e-3, steps = [1e-2, 1e-3] } = options;
  const leaves = options.leaves ?? floatLeaves(output);
  const own = Object.fromEntries(
    Object.entries(feeds).map(([name, { data, shape }]) => [name, { data: data.slice(), shape }]),
  );

  const forward = await Program.load(compile('value', { output }), { threads: 1 });
  const prepared = forward.prepare(own, Random.of(seed, 'random inputs'));
  const value = async () => (await forward.run(prepared)).output!;
  const first = await value();
  const weights = contraction(first, seed);
  const analytic = await analyticGradients(output, leaves, own, prepared, weights, seed);

  let worst: GradientComparison | undefined;
  for (const [at, leaf] of leaves.entries()) {
    const name = leafName(leaf);
    const gradient = analytic[at];
    const { data } = own[name]!;
    const places = elementsOf(leaf, own);
    const largest =
      gradient?.reduce((most, g) => (Math.abs(g) > most && Number.isFinite(g) ? Math.abs(g) : most), 0) ?? 0;
    for (const index of sample(places.length, maxElements, Random.of(seed, 'elements', name))) {
      const expected = gradient?.[index] ?? 0;
      const place = places[index]!;
      const kept = data[place]!;
      let best: GradientComparison | undefined;
      for (const step of steps) {
        const half = step * Math.max(1, Math.abs(kept));
        data[place] = kept + half;
        const above = { at: data[place]!, outputs: await value() };
        data[place] = kept - half;
        const below = { at: data[place]!, outputs: await value() };
        data[place] = kept;
        const numeric = contract(above.outputs, below.outputs, weights) / (above.at - below.at);
        const noise = resolution(above.outputs, weights) / half;
        const allowed = tolerance * (Math.max(Math.abs(expected), Math.abs(numeric)) + 0.1 * largest) + 4 * noise;
        const finite = Number.isFinite(numeric) && Number.isFinite(expected);
        const error = finite ? Math.abs(numeric - expected) / allowed : Number.POSITIVE_INFINITY;
        if (best === undefined || error < best.error) best = { leaf: name, index, analytic: expected, numeric, error };
        if (best.error <= 1) break;
      }
      if (worst === undefined || best!.error > worst.error) worst = best;
    }
  }
  await forward.release();
  return worst;
}

/** Throws where a gradient of `output` differs from its central difference, naming the worst element. */
export async function checkGradients(
  output: Tensor,
  feeds: Feeds,
  options: FiniteDifferenceOptions = {},
): Promise<void> {
  const worst = await compareGradients(output, feeds, options);
  if (worst === undefined) throw new Error('no gradient to check');
  if (worst.error > 1) throw new Error(describeComparison(worst));
}

export function describeComparison({ leaf, index, analytic, numeric, error }: GradientComparison): string {
  return `gradient of ${leaf}[${index}] is ${analytic}, the difference says ${numeric} (${error.toPrecision(3)} × what is allowed)`;
}

interface Weights {
  data: Float32Array;
  shape: number[];
}

function floatLeaves(output: Tensor): Tensor[] {
  const byName = new Map<string, Tensor>();
  for (const node of reachable([output])) {
    if (node.dtype === 'float32' && ['input', 'parameter', 'tableRows'].includes(node.op.name)) {
      byName.set(leafName(node), node);
    }
  }
  return [...byName.values()];
}

/** The feed that holds a leaf's values. */
function leafName({ attributes }: Tensor): string {
  return attributes.source ?? attributes.name;
}

/** Where in its feed each element of a leaf stands: the rows that a batch touches lie scattered in their table. */
function elementsOf(leaf: Tensor, feeds: Feeds): number[] {
  const { data } = feeds[leafName(leaf)]!;
  if (leaf.op.name !== 'tableRows') return Array.from(data, (_, i) => i);
  const { table, width } = leaf.attributes;
  return Array.from(feeds[touchedRows(table)]!.data).flatMap((row) =>
    Array.from({ length: width }, (_, column) => row * width + column),
  );
}

async function analyticGradients(
  output: Tensor,
  leaves: readonly Tensor[],
  feeds: Feeds,
  { tensors }: PreparedFeeds,
  weights: Weights,
  seed: number,
): Promise<(Float32Array | undefined)[]> {
  const total = reduceSum(multiply(output, input('#weights', output.shape)));
  const found = gradients(total, leaves);
  const outputs = Object.fromEntries(
    found.flatMap((gradient, i) => (gradient === undefined ? [] : [[`#${i}`, gradient]])),
  );
  if (found.every((gradient) => gradient === undefined)) return found as undefined[];
  const program = await Program.load(compile('gradients', outputs), { threads: 1 });
  const prepared = program.prepare({ ...feeds, '#weights': weights }, Random.of(seed, 'random inputs'));
  // Both programs must see the same random inputs, even where one of them needs fewer.
  for (const { name } of program.graph.randoms) if (tensors[name] !== undefined) prepared.tensors[name] = tensors[name];
  const results = await program.run(prepared);
  await program.release();
  return found.map((_, i) => results[`#${i}`]?.data as Float32Array | undefined);
}

/** Weights between 0.5 and 1.5 with random signs. */
function contraction({ data, shape }: Output, seed: number): Weights {
  const random = Random.of(seed, 'weights');
  const weight = () => (random.below(2) === 0 ? 1 : -1) * (0.5 + random.uniform());
  return { data: Float32Array.from({ length: data.length }, weight), shape: [...shape] };
}

function contract(above: Output, below: Output, weights: Weights): number {
  return weights.data.reduce((sum, weight, i) => sum + weight * (Number(above.data[i]) - Number(below.data[i])), 0);
}

/** What rounding the outputs to float32 may change in their weighted sum. */
function resolution({ data }: Output, weights: Weights): number {
  const squares = weights.data.reduce((sum, weight, i) => sum + (weight * Number(data[i])) ** 2, 0);
  return 2 ** -24 * Math.sqrt(squares);
}

/** `count` different numbers below `length`, or all of them. */
function sample(length: number, count: number, random: Random): number[] {
  const all = Array.from({ length }, (_, i) => i);
  return length <= count
    ? all
    : random
        .shuffle(all)
        .slice(0, count)
        .sort((a, b) => a - b);
}
