import { TwoTowerError } from '../errors.js';
import type { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import type { CompiledGraph } from './compile.js';
import { indexPlan } from './index-plan.js';
import { fillRandom } from './random-feeds.js';
import { evaluate, parse, type Shape } from './shape.js';

/** What of a compiled graph is needed to complete its feeds: plain data, which may be sent to another thread. */
export type FeedPlan = Pick<CompiledGraph, 'inputs' | 'plans' | 'randoms'>;

/**
 * Adds the feeds that follow from the others: sorted orders of indices whose gradients are summed, and random numbers drawn
 * from `random`. Inputs that are not fed yet may follow later, as long as the named sizes are known from those that are, or
 * from `known`.
 */
export function completeFeeds(
  { inputs, plans, randoms }: FeedPlan,
  feeds: Feeds,
  random?: Random,
  known: ReadonlyMap<string, number> = new Map(),
): Feeds {
  const sizes = new Map([...namedSizes(inputs, feeds), ...known]);
  const complete: Feeds = { ...feeds };
  for (const plan of plans) {
    if (complete[plan.feeds.first] !== undefined) continue;
    const indices = feeds[plan.indices]!.data as Int32Array;
    const sorted = indexPlan(indices, evaluate(plan.rows, sizes), plan.indices);
    for (const part of Object.keys(sorted) as (keyof typeof sorted)[]) {
      complete[plan.feeds[part]] = { data: sorted[part], shape: [sorted[part].length] };
    }
  }
  for (const { name, shape, distribution } of randoms) {
    if (complete[name] !== undefined) continue;
    if (random === undefined) throw new TwoTowerError('GRAPH_FEED', `random input ${name} needs a stream to draw from`);
    const dims = shape.map((dim) => evaluate(dim, sizes));
    const length = dims.reduce((a, b) => a * b, 1);
    complete[name] = { data: fillRandom(distribution, length, random), shape: dims };
  }
  return complete;
}

/** The size of every name that the fed inputs tell; the first one met counts. */
export function namedSizes(inputs: FeedPlan['inputs'], feeds: Feeds): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { name, shape } of inputs) {
    const feed = feeds[name];
    if (feed !== undefined) bindNames(shape, feed.shape, sizes);
  }
  return sizes;
}

function bindNames(pattern: Shape, shape: readonly number[], sizes: Map<string, number>): void {
  pattern.forEach((dim, axis) => {
    const { factor, names } = parse(dim);
    const [name, second] = names;
    const size = (shape[axis] ?? Number.NaN) / factor;
    if (name !== undefined && second === undefined && Number.isInteger(size) && !sizes.has(name)) sizes.set(name, size);
  });
}
