import { expect } from 'vitest';
import { add, Build, compile, gradients, multiply, Program, reachable, reduceSum, type Tensor } from '../../graph/index.js';
import { Random } from '../../random.js';
import type { Feeds } from '../../schema.js';
import { parameterFeeds, type RunOptions } from './run.js';

const STEP = 1e-2;
const TOLERANCE = 4e-3;

/**
 * Compares the gradients of Σ y·(y+1) with respect to every float feed and every parameter with central differences.
 * A scalar y is differentiated as it is.
 */
export async function checkGradients(make: () => Tensor, feeds: Feeds, options: RunOptions = {}): Promise<void> {
  const build = new Build(options.training ?? false);
  const { loss, leaves, slopes } = build.run(() => {
    const y = make();
    const loss = y.shape.length === 0 ? y : reduceSum(multiply(y, add(y, 1)));
    const leaves = new Map<string, Tensor>();
    for (const node of reachable([loss])) {
      if ((node.op.name === 'input' && node.dtype === 'float32') || node.op.name === 'parameter') {
        leaves.set(node.attributes.name, node);
      }
    }
    return { loss, leaves, slopes: gradients(loss, [...leaves.values()]) };
  });
  const names = [...leaves.keys()];
  const outputs: Record<string, Tensor> = { loss };
  for (const [i, slope] of slopes.entries()) if (slope !== undefined) outputs[`d ${names[i]}`] = slope;
  const values: Feeds = { ...feeds, ...parameterFeeds(build, options.parameters) };
  const analytic = await Program.load(compile('gradients', outputs), { threads: 1 });
  const results = await analytic.call(values, Random.of(1));
  const forward = await Program.load(compile('loss', { loss }), { threads: 1 });
  const lossAt = async () => Number((await forward.call(values, Random.of(1))).loss!.data[0]);
  for (const name of names) {
    const data = values[name]!.data as Float32Array;
    const numeric: number[] = [];
    for (let i = 0; i < data.length; i++) {
      const kept = data[i]!;
      data[i] = kept + STEP;
      const above = await lossAt();
      data[i] = kept - STEP;
      const below = await lossAt();
      data[i] = kept;
      numeric.push((above - below) / (2 * STEP));
    }
    const found = results[`d ${name}`];
    const derived = found === undefined ? numeric.map(() => 0) : Array.from(found.data, Number);
    const scale = Math.max(1, ...numeric.map(Math.abs));
    const worst = Math.max(...numeric.map((value, i) => Math.abs(value - derived[i]!) / scale));
    expect(worst, `gradient of ${name}: ${derived.map((v) => v.toFixed(4))} for ${numeric.map((v) => v.toFixed(4))}`).toBeLessThan(TOLERANCE);
  }
  await analytic.release();
  await forward.release();
}
