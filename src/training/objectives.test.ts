import { describe, expect, test } from 'vitest';
import { compile, input, Program } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import type { LossContext } from '../nn/losses/loss.js';
import { createObjective, similarityMatrix, totalLoss } from './objectives.js';

const floats = (data: number[], shape = [data.length]) => ({ data: Float32Array.from(data), shape });
const ints = (data: number[]) => ({ data: Int32Array.from(data), shape: [data.length] });
const model = (retrieval?: ModelParts['retrieval']): ModelParts => ({
  item: () => ({}),
  user: () => ({}),
  score: () => input('logit', ['N']),
  ...(retrieval && { retrieval }),
});

describe('similarityMatrix', () => {
  const values = async (query: { data: Float32Array; shape: number[] }, interests: number[]) => {
    const user = { query: input('query', ['B', ...interests, 2]) };
    const matrix = similarityMatrix(model({ user: 'query', item: 'key' }), user, { key: input('key', ['I', 2]) });
    expect(matrix.shape).toEqual(['B', 'I']);
    const program = await Program.load(compile('similarity', { matrix }), { threads: 1 });
    const result = await program.call({ query, key: floats([1, 0, 0, 1, -1, 2], [3, 2]) });
    await program.release();
    return Array.from(result.matrix!.data, Number);
  };

  test('inner products of every request with every item', async () => {
    expect(await values(floats([3, 4, -1, 5], [2, 2]), [])).toEqual([3, 4, 5, -1, 5, 11]);
  });

  test('of several interests the best counts', async () => {
    // One request with interests (3, 4) and (-1, 5), another with (0, 0) and (-2, -2).
    expect(await values(floats([3, 4, -1, 5, 0, 0, -2, -2], [2, 2, 2]), [2])).toEqual([3, 5, 11, 0, 0, 0]);
  });

  test('a model that cannot retrieve is refused', () => {
    expect(() => similarityMatrix(model(), {}, {})).toThrow('a loss over all items of the batch needs a model that');
  });
});

test('the total is the weighted sum, and each part is reported by its own name', async () => {
  const context: LossContext = {
    logits: input('logits', ['P']),
    label: input('label', ['P']),
    weight: input('weight', ['P']),
    request: input('request', ['P'], 'int32'),
    itemRow: input('itemRow', ['P'], 'int32'),
    similarity: input('similarity', ['B', 'I']),
  };
  const objectives = [
    { loss: 'bce', weight: 0.5 },
    { loss: 'softmax', weight: 3 },
  ].map(createObjective);
  expect(objectives.map(({ needs }) => needs)).toEqual(['pairs', 'matrix']);
  const { total, parts } = totalLoss(objectives, context);
  expect(Object.keys(parts)).toEqual(['bce.1', 'softmax.2']);
  expect(Object.keys(totalLoss(objectives.slice(0, 1), context).parts)).toEqual(['bce']);
  const program = await Program.load(compile('total', { total, ...parts }), { threads: 1 });
  const results = await program.call({
    logits: floats([0, 0]),
    label: floats([1, 0]),
    weight: floats([1, 1]),
    request: ints([0, 0]),
    itemRow: ints([1, 0]),
    similarity: floats([0, Math.log(3)], [1, 2]),
  });
  await program.release();
  const [bce, softmax] = [Math.LN2, -Math.log(3 / 4)];
  expect(results['bce.1']!.data[0]).toBeCloseTo(bce, 6);
  expect(results['softmax.2']!.data[0]).toBeCloseTo(softmax, 6);
  expect(results.total!.data[0]).toBeCloseTo(0.5 * bce + 3 * softmax, 6);
});

test('an unknown loss and an unknown option are errors', () => {
  expect(() => createObjective({ loss: 'bcee', weight: 1 })).toThrow('there is no loss "bcee"\n  did you mean "bce"?');
  expect(() => createObjective({ loss: 'bce', weight: 1, temprature: 2 })).toThrow(/objectives: bce: .*"temprature"/);
});
