import { describe, expect, test } from 'vitest';
import { graphCost } from '../../graph/cost.js';
import type { Tensor } from '../../graph/index.js';
import { Random } from '../../random.js';
import type { Feature, Feeds, Schema } from '../../schema.js';
import { distance, rowsOf } from '../../testing/compare.js';
import { ToyModel } from '../../testing/toy-model.js';
import dssm from './model.js';

const SMALL = { embedding: 3, towers: [5, 4], width: 2 };
const REQUESTS = 6;
const ITEMS = 9;

type Options = ReturnType<typeof dssm.options.parse>;
type Values = (parameter: string) => Float32Array;

/** The ids of one row of a feed, a list without its padding. */
function idsAt(feeds: Feeds, name: string, row: number, feature: Feature): number[] {
  const { data } = feeds[name]!;
  if (feature.encoding !== 'ids') return [data[row]!];
  const from = row * feature.maxLength;
  return Array.from(data.subarray(from, from + feeds[`${name}.length`]!.data[row]!));
}

const add = (a: readonly number[], b: readonly number[]) => a.map((value, k) => value + b[k]!);
const times = (a: readonly number[], factor: number) => a.map((value) => value * factor);

/** The model once more from its equations: loops over numbers, one user and one item at a time. */
class PlainDssm {
  constructor(
    private readonly values: Values,
    private readonly schema: Schema,
    private readonly options: Options,
  ) {}

  score(requests: Feeds, b: number, items: Feeds, i: number): number {
    const { values, options } = this;
    const user = times(this.tower('user', this.userInput(requests, b)), values('user/scale')[0]!);
    const item = this.tower('item', this.sideInput(items, i, this.schema.item));
    let score = values('user/level')[0]!;
    for (let k = 0; k < options.width; k++) score += user[k]! * item[k]!;
    if (options.biases) {
      score += this.bias(requests, b, [...this.schema.user, ...this.schema.context]);
      score += this.bias(items, i, this.schema.item);
    }
    return score;
  }

  private userInput(feeds: Feeds, b: number): number[] {
    const { user, context, histories } = this.schema;
    const x = this.sideInput(feeds, b, [...user, ...context]);
    if (!this.options.history) return x;
    for (const { name, maxLength, features } of histories) {
      const length = feeds[`history.${name}.length`]!.data[b]!;
      for (const feature of features) {
        let sum = new Array<number>(feature.encoding === 'numbers' ? feature.width : this.options.embedding).fill(0);
        // The newest event stands at the last of the positions.
        for (let past = 1; past <= length; past++) {
          sum = add(sum, this.vector(feeds, `history.${name}.${feature.name}`, (b + 1) * maxLength - past, feature));
        }
        x.push(...times(sum, 1 / Math.max(1, length)));
      }
    }
    return x;
  }

  /** Embeddings of all fields, then all numbers. */
  private sideInput(feeds: Feeds, row: number, features: readonly Feature[]): number[] {
    const vectors = (wanted: boolean) =>
      features
        .filter(({ encoding }) => (encoding === 'numbers') === wanted)
        .flatMap((feature) => this.vector(feeds, `${feature.owner}.${feature.name}`, row, feature));
    return [...vectors(false), ...vectors(true)];
  }

  private vector(feeds: Feeds, name: string, row: number, feature: Feature): number[] {
    if (feature.encoding === 'numbers') {
      return Array.from(feeds[name]!.data.subarray(row * feature.width, (row + 1) * feature.width));
    }
    return this.mean(`tables/${feature.vocabulary}`, this.options.embedding, idsAt(feeds, name, row, feature));
  }

  private bias(feeds: Feeds, row: number, features: readonly Feature[]): number {
    let sum = 0;
    for (const feature of features) {
      if (feature.encoding === 'numbers') continue;
      const ids = idsAt(feeds, `${feature.owner}.${feature.name}`, row, feature);
      sum += this.mean(`tables/bias/${feature.vocabulary}`, 1, ids)[0]!;
    }
    return sum;
  }

  private mean(table: string, width: number, ids: readonly number[]): number[] {
    let sum = new Array<number>(width).fill(0);
    for (const id of ids) sum = add(sum, Array.from(this.values(table).subarray(id * width, (id + 1) * width)));
    return times(sum, 1 / Math.max(1, ids.length));
  }

  private tower(side: string, input: readonly number[]): number[] {
    const { towers, normalization, activation, width } = this.options;
    let h = input;
    towers.forEach((units, layer) => {
      const place = `${side}/tower/layer${layer + 1}`;
      let y = this.dense(`${place}/dense`, h, units, normalization !== 'batch');
      if (normalization !== 'none') y = this.normal(`${place}/norm`, y);
      h = y.map((value) => (activation === 'relu' ? Math.max(0, value) : Math.tanh(value)));
    });
    return this.dense(`${side}/out`, h, width, true);
  }

  private dense(place: string, x: readonly number[], units: number, bias: boolean): number[] {
    const weight = this.values(`${place}/weight`);
    return Array.from({ length: units }, (_, j) =>
      x.reduce((sum, value, k) => sum + value * weight[k * units + j]!, bias ? this.values(`${place}/bias`)[j]! : 0),
    );
  }

  private normal(place: string, x: readonly number[]): number[] {
    const own = x.reduce((a, b) => a + b, 0) / x.length;
    const spread = x.reduce((sum, value) => sum + (value - own) ** 2, 0) / x.length;
    const isBatch = this.options.normalization === 'batch';
    return x.map((value, k) => {
      const mean = isBatch ? this.values(`${place}/mean`)[k]! : own;
      const variance = isBatch ? this.values(`${place}/variance`)[k]! : spread;
      const normal = (value - mean) / Math.sqrt(variance + 1e-5);
      return normal * this.values(`${place}/scale`)[k]! + this.values(`${place}/shift`)[k]!;
    });
  }
}

describe.each([
  {},
  { activation: 'tanh', towers: [6] },
  { normalization: 'batch' },
  { normalization: 'layer', dropout: 0.5 },
  { biases: false },
  { history: false },
  { biases: false, history: false, towers: [] },
] as const)('%o', (differing) => {
  test('scores as the equations say, number by number', async () => {
    const options = dssm.options.parse({ ...SMALL, ...differing });
    const model = await ToyModel.create(dssm, options);
    const plain = new PlainDssm((name) => model.source.values(name), model.dataset.schema, options);
    const [requests, items] = [model.requests(REQUESTS), model.items(ITEMS)];
    const expected: number[] = [];
    for (let b = 0; b < rowsOf(requests); b++) {
      for (let i = 0; i < rowsOf(items); i++) expected.push(plain.score(requests, b, items, i));
    }
    expect(distance(await model.scores(requests, items), expected)).toBeLessThan(1e-5);
    await model.release();
  });
});

test('the toy requests differ in what the equations treat differently', async () => {
  const model = await ToyModel.create(dssm, SMALL);
  const requests = model.requests(REQUESTS);
  const lengths = (name: string) => new Set(requests[name]!.data).size;
  expect(lengths('history.clicks.length')).toBeGreaterThan(1);
  expect(lengths('user.topics.length')).toBeGreaterThan(1);
  expect(new Set(model.items(ITEMS)['item.genres.length']!.data).size).toBeGreaterThan(1);
});

test('without biases the level alone moves the scores of unrelated vectors', async () => {
  const model = await ToyModel.create(dssm, { ...SMALL, biases: false });
  model.source.values('user/scale').fill(0);
  const scores = await model.scores(model.requests(2), model.items(3));
  expect(new Set(scores)).toEqual(new Set([model.source.values('user/level')[0]]));
  expect([...model.source.parameters].filter(({ name }) => name.includes('bias/'))).toEqual([]);
});

test('costs what its page says', async () => {
  const model = await ToyModel.create(dssm, SMALL);
  const { item, user, score } = model.inference.parts;
  const sizes = { I: 1, B: 1, N: 1 };
  const cost = (part: Record<string, Tensor>) => graphCost(Object.values(part), sizes);
  const hidden = 5 * 4 + 4 * 2;
  // Items: two embeddings and two numbers. Requests: three embeddings and two numbers, and the same of a past item.
  expect(cost(item).multiplyAdds).toBe((2 * 3 + 2) * 5 + hidden);
  expect(cost(item).outputBytes).toBe(4 * (2 + 1));
  // Of seven genres it is counted how often each occurs.
  const history = 4 * (3 + 2) + 7 * 3;
  expect(cost(user).multiplyAdds).toBe((3 * 3 + 2 + 2 * 3 + 2) * 5 + hidden + history);
  // d + 1 products and their sum, and the level.
  expect(cost(score).flops).toBeLessThanOrEqual(2 * (2 + 1) + 2);
});

test('data that leaves a tower without input is refused; a history alone is enough', async () => {
  const { dataset } = await ToyModel.create(dssm, SMALL);
  const create = (schema: Partial<Schema>, options = {}) =>
    ToyModel.create(dssm, { ...SMALL, ...options }, { ...dataset, schema: { ...dataset.schema, ...schema } });
  const history = await create({ user: [], context: [] });
  expect(new Set(await history.scores(history.requests(4), history.items(3))).size).toBeGreaterThan(3);
  await expect(create({ user: [], context: [], histories: [] })).rejects.toThrow('user: the model needs a field here');
  await expect(create({ user: [], context: [] }, { history: false })).rejects.toThrow('user: the model needs a field');
  await expect(create({ item: [] })).rejects.toThrow('item: the model needs a field here');
});

test.each([
  ['none', 1],
  ['batch', 1 / 32],
  ['layer', 1 / 32],
])('normalization %s: the scale starts so that the first scores are small', async (normalization, first) => {
  const model = await ToyModel.create(dssm, { normalization });
  const scale = model.inference.parameters.find(({ name }) => name === 'user/scale')!;
  expect([...scale.initialize(scale.shape, Random.of(1))]).toEqual([first]);
});
