import { describe, expect, test } from 'vitest';
import { compile, input, Program } from '../graph/index.js';
import { applyOptimizer, createOptimizer, type OptimizerOptions, optimizerOptions } from './optimizers.js';
import { plainOptimizer } from './testing/plain-optimizers.js';

const START = [0.5, -2, 0, 0.001];
/** Gradients of five steps: changing signs, zeros, and one that is far larger than the others. */
const GRADIENTS = [
  [0.1, -1, 0, 1e-3],
  [-0.2, 2, 0.5, 0],
  [0.3, -0.5, 0, -1e-3],
  [0, 40, 0.25, 2e-3],
  [0.1, -1, -1, 1e-3],
];

interface Settings {
  rate: readonly number[];
  decay: readonly number[] | 0;
}

/** Weights after each step, through ONNX Runtime. */
async function run(options: OptimizerOptions, { rate, decay }: Settings): Promise<number[][]> {
  const optimizer = createOptimizer(options);
  const size = START.length;
  const vector = (data: ArrayLike<number>) => ({ data: Float32Array.from(data), shape: [data.length] });
  const names = Object.keys(optimizer.scalars(1));
  const { value, slots } = applyOptimizer(
    optimizer,
    input('weight', [size]),
    input('gradient', [size]),
    optimizer.slots.map((slot) => input(slot, [size])),
    {
      rate: input('rate', [size]),
      decay: decay === 0 ? 0 : input('decay', [size]),
      scalars: Object.fromEntries(names.map((name) => [name, input(name, [])])),
    },
  );
  const outputs = Object.fromEntries(optimizer.slots.map((slot, i) => [`new ${slot}`, slots[i]!]));
  const program = await Program.load(compile('optimizer', { ...outputs, value }), { threads: 1 });
  let weight: ArrayLike<number> = START;
  let memory: ArrayLike<number>[] = optimizer.slots.map(() => START.map(() => optimizer.initial));
  const history: number[][] = [];
  for (const [i, gradient] of GRADIENTS.entries()) {
    const results = await program.call({
      weight: vector(weight),
      gradient: vector(gradient),
      rate: vector(rate),
      ...(decay !== 0 && { decay: vector(decay) }),
      ...Object.fromEntries(optimizer.slots.map((slot, k) => [slot, vector(memory[k]!)])),
      ...Object.fromEntries(
        Object.entries(optimizer.scalars(i + 1)).map(([name, scalar]) => [
          name,
          { data: Float32Array.of(scalar), shape: [] },
        ]),
      ),
    });
    weight = results.value!.data as Float32Array;
    memory = optimizer.slots.map((slot) => results[`new ${slot}`]!.data as Float32Array);
    history.push(Array.from(weight));
  }
  await program.release();
  return history;
}

function plain(options: OptimizerOptions, { rate, decay }: Settings): number[][] {
  const updates = START.map(() => plainOptimizer(options));
  let weights = START;
  return GRADIENTS.map((gradient, step) => {
    weights = weights.map((w, i) => updates[i]!(w, gradient[i]!, rate[i]!, decay === 0 ? 0 : decay[i]!, step + 1));
    return weights;
  });
}

describe.each([
  { name: 'sgd' },
  { name: 'sgd', momentum: 0.9 },
  { name: 'adam' },
  { name: 'adam', beta1: 0.5, beta2: 0.9, epsilon: 0.01 },
  { name: 'adamw' },
  { name: 'adagrad' },
  { name: 'adagrad', initial: 0, epsilon: 0.1 },
] as const)('%o', (given) => {
  const options = optimizerOptions.parse(given);
  test.each<[string, Settings]>([
    ['no decay', { rate: [0.1, 0.1, 0.1, 0.1], decay: 0 }],
    ['decay and rate of each weight', { rate: [0.1, 0.05, 0, 0.2], decay: [0.01, 0.5, 0.1, 0] }],
  ])('five steps as in plain numbers: %s', async (_, settings) => {
    const found = await run(options, settings);
    plain(options, settings).forEach((weights, step) => {
      weights.forEach((weight, i) => {
        expect(Math.abs(found[step]![i]! - weight), `weight ${i} after step ${step + 1}`).toBeLessThan(
          2e-6 * Math.max(1, Math.abs(weight)),
        );
      });
    });
  });
});

test('by hand: one step from weight 0.5 with gradient 0.1', async () => {
  const first = async (given: object, decay: Settings['decay'] = 0) =>
    (await run(optimizerOptions.parse(given), { rate: [0.1, 0.1, 0.1, 0.1], decay }))[0]![0];
  expect(await first({ name: 'sgd' })).toBeCloseTo(0.5 - 0.1 * 0.1, 6);
  // Adam's first step has the size of the learning rate, whatever the gradient, and ℓ2 decay inside it is lost.
  expect(await first({ name: 'adam' })).toBeCloseTo(0.5 - 0.1, 6);
  expect(await first({ name: 'adam' }, [0.2, 0, 0, 0])).toBeCloseTo(0.5 - 0.1, 6);
  expect(await first({ name: 'adamw' }, [0.2, 0, 0, 0])).toBeCloseTo(0.5 - 0.1 - 0.1 * 0.2 * 0.5, 6);
  expect(await first({ name: 'adagrad', initial: 0.15 })).toBeCloseTo(0.5 - (0.1 * 0.1) / Math.sqrt(0.16), 6);
});

test('options are strict', () => {
  expect(optimizerOptions.safeParse({ name: 'adam', momentum: 0.9 }).success).toBe(false);
  expect(optimizerOptions.safeParse({ name: 'sgd', momentum: 1 }).success).toBe(false);
  expect(optimizerOptions.safeParse({ name: 'lion' }).success).toBe(false);
});
