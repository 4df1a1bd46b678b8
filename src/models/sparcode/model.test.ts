import { describe, expect, test } from 'vitest';
import { graphCost } from '../../graph/cost.js';
import type { Tensor } from '../../graph/index.js';
import type { Feeds } from '../../schema.js';
import { distance, rowsOf } from '../../testing/compare.js';
import { PlainInputs, plainAdd, plainDense, plainRelu, type Values } from '../../testing/plain.js';
import { ToyModel } from '../../testing/toy-model.js';
import { trainingPath } from '../../testing/training-path.js';
import { wholeStep } from '../../testing/whole-step.js';
import sparcode from './model.js';

const SMALL = { embedding: 3, towers: [5], tokens: 3, width: 4, parts: 2, codewords: 3, scorer: [6, 5] };
const REQUESTS = 6;
const ITEMS = 7;

type Options = ReturnType<typeof sparcode.options.parse>;

/** The scores from the equations: tokens, their nearest codewords, and the scorer on each with the item. */
function plainScores(values: Values, model: ToyModel, options: Options, requests: Feeds, items: Feeds): number[] {
  const inputs = new PlainInputs(values, model.dataset.schema, options.embedding);
  const side = (of: ReturnType<PlainInputs['user']>) => [...of.embeddings, ...of.numbers].flat();
  const { tokens, width, parts, codewords } = options;
  const size = width / parts;
  const quantized = (t: number[]) =>
    Array.from({ length: parts }, (_, m) => {
      const book = values(`shared/codebook/part${m + 1}`);
      const words = Array.from({ length: codewords }, (_, n) => Array.from(book.slice(n * size, (n + 1) * size)));
      const distances = words.map((word) => word.reduce((sum, value, k) => sum + (value - t[m * size + k]!) ** 2, 0));
      return words[distances.indexOf(Math.min(...distances))]!;
    }).flat();
  const affinity = (code: number[], x: number[]) => {
    const first = plainRelu(
      plainAdd(plainDense(values, 'shared/scorer/token', code, false), plainDense(values, 'item/item', x)),
    );
    const second = plainRelu(plainDense(values, 'shared/scorer/hidden/layer1/dense', first));
    const out = plainDense(values, 'shared/scorer/out', second, false)[0]!;
    return Math.max(0, out + values('shared/scorer/threshold')[0]!);
  };
  return Array.from({ length: rowsOf(requests) }, (_, b) => {
    const h = plainRelu(plainDense(values, 'user/tower/layer1/dense', side(inputs.user(requests, b))));
    const all = plainDense(values, 'user/tokens', h);
    const codes = Array.from({ length: tokens }, (_, k) =>
      quantized(standardized(all.slice(k * width, (k + 1) * width))),
    );
    const level = plainDense(values, 'user/level', h, false)[0]! + values('user/level')[0]!;
    return Array.from({ length: rowsOf(items) }, (_, i) => {
      const x = side(inputs.item(items, i));
      return codes.reduce((sum, code) => sum + affinity(code, x), level);
    });
  }).flat();
}

function standardized(x: number[]): number[] {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return x.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
}

describe.each([{}, { parts: 1, codewords: 7 }, { parts: 4, codewords: 2, threshold: -0.3 }])('%o', (differing) => {
  test('scores as the equations say, number by number', async () => {
    const options = sparcode.options.parse({ ...SMALL, ...differing });
    const model = await ToyModel.create(sparcode, options);
    const values: Values = (name) => model.source.values(name);
    const [requests, items] = [model.requests(REQUESTS), model.items(ITEMS)];
    const expected = plainScores(values, model, options, requests, items);
    expect(distance(await model.scores(requests, items), expected)).toBeLessThan(1e-5);
    await model.release();
  });
});

test('training takes another path to the same scores', async () => {
  const model = await ToyModel.create(sparcode, { ...SMALL, threshold: 0.2 });
  const { report, logits, labels } = await wholeStep(model);
  const losses = Array.from(logits, (x, p) => Math.log1p(Math.exp(x)) - labels[p]! * x);
  expect(report['loss.bce']).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / losses.length, 5);
  expect(report['metric.density']).toBeGreaterThan(0);
  expect(report['metric.density']).toBeLessThan(1);
  expect(report['metric.codesInUse']).toBeGreaterThan(1);
  expect(report['metric.codesInUse']).toBeLessThanOrEqual(3 ** 2);
  await model.release();
});

test('scores teach tokeniser and scorer, the quantisation loss the codebooks', async () => {
  const model = await ToyModel.create(sparcode, SMALL);
  const { outputs, taught } = trainingPath(model);
  const books = ['shared/codebook/part1', 'shared/codebook/part2'];
  const byScores = taught(outputs.logits);
  for (const name of [
    'user/tokens/weight',
    'item/item/weight',
    'shared/scorer/token/weight',
    'shared/scorer/threshold',
  ]) {
    expect(byScores).toContain(name);
  }
  expect(byScores.filter((name) => books.includes(name))).toEqual([]);
  const byQuantization = taught(outputs.losses!.quantization!);
  expect(byQuantization.filter((name) => books.includes(name))).toEqual(books);
  expect(byQuantization).toContain('user/tokens/weight');
  expect(byQuantization.filter((name) => /^item|scorer/.test(name))).toEqual([]);
});

test('a request has K codes, an item one number for each code, none below 0', async () => {
  const model = await ToyModel.create(sparcode, { ...SMALL, threshold: -0.5 });
  const users = await model.inference.users(model.requests(REQUESTS));
  const items = await model.inference.items(model.items(ITEMS));
  const { data: codes, shape } = users['user.codes']!;
  expect(shape).toEqual([REQUESTS, 3 ** 2]);
  for (let b = 0; b < REQUESTS; b++) {
    const own = Array.from(codes.subarray(b * 9, (b + 1) * 9));
    expect(own.every(Number.isInteger)).toBe(true);
    expect(own.reduce((x, y) => x + y, 0)).toBe(SMALL.tokens);
  }
  const postings = Array.from(items['item.postings']!.data);
  expect(Math.min(...postings)).toBe(0);
  expect(Math.max(...postings)).toBeGreaterThan(0);
  await model.release();
});

test.each([
  [{ width: 10, parts: 4 }, 'a width of 10 does not divide into 4 parts'],
  [{ width: 12, parts: 4, codewords: 32 }, 'make 1048576 codes; at most 65536'],
])('%o is refused', async (options, message) => {
  await expect(ToyModel.create(sparcode, options)).rejects.toThrow(message);
});

test('costs what its page says', async () => {
  const model = await ToyModel.create(sparcode, SMALL);
  const N = 10;
  const { item, user, score } = model.inference.parts;
  const cost = (part: Record<string, Tensor>) => graphCost(Object.values(part), { I: 1, B: 1, N });
  const codes = 3 ** 2;
  // Items: two embeddings and two numbers; the scorer's layers have 6 and 5 units.
  expect(cost(item).multiplyAdds).toBe((2 * 3 + 2) * 6 + codes * 4 * 6 + codes * (6 * 5 + 5));
  expect(cost(item).outputBytes).toBe(4 * codes);
  // Of seven genres it is counted how often each occurs.
  const history = 4 * (3 + 2) + 7 * 3;
  expect(cost(user).multiplyAdds).toBe((3 * 3 + 2 + 2 * 3 + 2) * 5 + 5 * 3 * 4 + 5 + 3 * 3 * 4 + history);
  expect(cost(score).multiplyAdds).toBe(N * codes);
});
