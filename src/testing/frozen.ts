import { apply, compile, input, inScope, Program, reachable, type Tensor } from '../graph/index.js';
import { Random } from '../random.js';
import type { FeedArray, Feeds } from '../schema.js';

/**
 * The same graph with everything fixed that a difference must not move: random numbers, and what gradients are stopped at,
 * become feeds with the values they have now. A central difference then sees the very function that is differentiated.
 */
export async function frozen(output: Tensor, feeds: Feeds, seed: number): Promise<{ output: Tensor; feeds: Feeds }> {
  const nodes = reachable([output]);
  const fixed = nodes.filter(({ op }) => op.name === 'random' || op.name === 'stopGradient');
  if (fixed.length === 0) return { output, feeds };
  // Random numbers keep their name: gradients written by hand may ask for them once more.
  const name = (node: Tensor): string => (node.op.name === 'random' ? node.attributes.name : `stopped ${node.id}`);
  // The output comes along because random numbers alone would not tell how many rows a batch has.
  const outputs = Object.fromEntries([['output', output], ...fixed.map((node) => [`value of ${name(node)}`, node])]);
  const program = await Program.load(compile('fixed', outputs), { threads: 1 });
  const values = await program.call(feeds, Random.of(seed));
  await program.release();
  const complete: Feeds = { ...feeds };
  for (const node of fixed) {
    const { data, shape } = values[`value of ${name(node)}`]!;
    complete[name(node)] = { data: data as FeedArray, shape: [...shape] };
  }
  const copies = new Map<Tensor, Tensor>();
  for (const node of nodes) {
    const { op, inputs, attributes, shape, dtype, scope } = node;
    const copy = () =>
      apply(
        op,
        inputs.map((one) => copies.get(one)!),
        attributes,
      );
    copies.set(node, fixed.includes(node) ? input(name(node), shape, dtype) : inScope(scope, copy));
  }
  return { output: copies.get(output)!, feeds: complete };
}
