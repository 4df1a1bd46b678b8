import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import * as ops from './ops/index.js';
import { fillRandom } from './random-feeds.js';
import { run } from './testing/run.js';

const COUNT = 100_000;

function moments(data: Float32Array): { mean: number; variance: number } {
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  return { mean, variance: data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length };
}

describe('random inputs', () => {
  it('normal: mean 0, variance 1, a third beyond one deviation', () => {
    const data = fillRandom({ kind: 'normal' }, COUNT, Random.of(7));
    const { mean, variance } = moments(data);
    expect(Math.abs(mean)).toBeLessThan(0.015);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
    expect(data.filter((value) => Math.abs(value) > 1).length / COUNT).toBeCloseTo(0.3173, 2);
  });

  it('uniform: mean 1/2, variance 1/12, within [0, 1)', () => {
    const data = fillRandom({ kind: 'uniform' }, COUNT, Random.of(7));
    const { mean, variance } = moments(data);
    expect(mean).toBeCloseTo(0.5, 2);
    expect(variance).toBeCloseTo(1 / 12, 2);
    expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  it.each([0.1, 0.5, 0.9])('dropout %f: that share is 0, the others keep the mean at 1', (rate) => {
    const rounded = Math.round(rate * 256) / 256;
    const data = fillRandom({ kind: 'dropout', rate }, COUNT + 3, Random.of(7));
    expect(Math.abs(data.filter((value) => value === 0).length / data.length - rounded)).toBeLessThan(0.006);
    expect(new Set(data)).toEqual(new Set([0, Math.fround(1 / (1 - rounded))]));
    expect(Math.abs(moments(data).mean - 1)).toBeLessThan(0.03);
  });

  it('dropout 0 keeps everything', () => {
    expect(new Set(fillRandom({ kind: 'dropout', rate: 0 }, 100, Random.of(1)))).toEqual(new Set([1]));
  });

  it('two masks of one graph differ, and the same stream draws both again', async () => {
    const [a, b] = [1, 2].map(() => ops.random({ kind: 'dropout', rate: 0.5 }, [64]));
    const draw = (seed: number) => run({ a: a!, b: b! }, {}, Random.of(seed));
    const first = await draw(3);
    expect(first.a!.data).not.toEqual(first.b!.data);
    expect(await draw(3)).toEqual(first);
    expect((await draw(4)).a).not.toEqual(first.a);
  });
});
