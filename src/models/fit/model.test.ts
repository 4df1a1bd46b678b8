import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Build, compile, graphCost, input, inScope, Program, type Tensor } from '../../graph/index.js';
import type { Feeds, Schema } from '../../schema.js';
import { distance, everyPair, rowsOf } from '../../testing/compare.js';
import { ToyModel } from '../../testing/toy-model.js';
import { checkToyGradients, toyTrainer } from '../../testing/toy-training.js';
import type { State } from '../contract.js';
import { itemInputs, userInputs } from '../inputs.js';
import { MetaQueryModule } from './meta-query.js';
import fit from './model.js';

const SMALL = {
  embedding: 3,
  queries: 5,
  attention: [6],
  towers: [9, 8],
  dropout: 0,
  normalization: 'none',
  userHeads: 2,
  itemHeads: 3,
  headWidth: 4,
  scorerWidth: 8,
  // Toy models have statistics drawn at random, under which all items would look alike.
  standardized: false,
};
const REQUESTS = 4;
const ITEMS = 9;

/** What `train` makes of every request with every item, in serving mode, at a step of a given epoch. */
async function trainPath(
  model: ToyModel,
  requests: Feeds,
  items: Feeds,
  epoch: number,
): Promise<Record<string, Float32Array>> {
  const { parts, source } = model;
  const { schema } = model.dataset;
  const build = new Build(false);
  const outputs = build.run((): Record<string, Tensor> => {
    const [user, item] = [userInputs(schema, 'B'), itemInputs(schema, 'I')];
    const userState: State = inScope('user', () => parts.user(user));
    const itemState: State = inScope('item', () => parts.item(item));
    const [request, itemRow] = ['request', 'item'].map((side) => input(`pair.${side}`, ['P'], 'int32')) as [
      Tensor,
      Tensor,
    ];
    const [step, stepsPerEpoch] = [input('step', []), input('stepsPerEpoch', [])];
    const label = input('pair.label', ['P']);
    const logq = input('item.logq', ['I']);
    const given = { user, item, userState, itemState, request, itemRow, label, step, stepsPerEpoch, logq };
    const { logits, metrics } = inScope('train', () => parts.train!(given));
    return { logits, ...metrics };
  });
  const { request, item } = everyPair(rowsOf(requests), rowsOf(items));
  const feeds: Feeds = {
    ...requests,
    ...items,
    'pair.request': { data: request, shape: [request.length] },
    'pair.item': { data: item, shape: [item.length] },
    step: { data: Float32Array.of(10 * epoch), shape: [] },
    stepsPerEpoch: { data: Float32Array.of(10), shape: [] },
  };
  for (const { name, shape } of build.parameters.values())
    feeds[name] = { data: source.values(name), shape: [...shape] };
  const program = await Program.load(compile('train', outputs), { threads: 1 });
  const results = await program.call(feeds);
  await program.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

/** Moves the first of so many rows to the end. */
function rotate(values: Float32Array, rows: number): void {
  const width = values.length / rows;
  const first = values.slice(0, width);
  values.copyWithin(0, width);
  values.set(first, values.length - width);
}

describe('meta queries', () => {
  let model: ToyModel;
  let requests: Feeds;
  let items: Feeds;

  beforeAll(async () => {
    model = await ToyModel.create(fit, SMALL);
    requests = model.requests(REQUESTS);
    items = model.items(ITEMS);
  });
  afterAll(() => model.release());

  test('are chosen differently by the toy items, and the scores differ, or these tests would show nothing', async () => {
    const { data } = (await model.inference.items(items))['item.query']!;
    expect(data).toBeInstanceOf(Int32Array);
    expect(new Set(data).size).toBeGreaterThan(2);
    expect(new Set(await model.scores(requests, items)).size).toBe(REQUESTS * ITEMS);
  });

  test('soft become hard: at a low temperature training scores as serving does, and says so', async () => {
    const cold = await ToyModel.create(fit, { ...SMALL, temperature: { end: 1e-5 } });
    const { logits, agreement } = await trainPath(cold, requests, items, 1);
    expect(distance(logits!, await cold.scores(requests, items))).toBeLessThan(1e-5);
    expect(agreement![0]).toBeCloseTo(1, 5);
    const warm = await trainPath(cold, requests, items, 0);
    expect(distance(warm.logits!, logits!)).toBeGreaterThan(1e-2);
    expect(warm.agreement![0]).toBeLessThan(0.99);
    await cold.release();
  });

  test('cool down linearly over the epochs given, and stay cold', async () => {
    const cooling = await ToyModel.create(fit, { ...SMALL, temperature: { start: 2, end: 0.1, epochs: 2 } });
    for (const [epoch, wanted] of [
      [0, 2],
      [0.5, 1.5],
      [1, 1],
      [1.9, 0.1],
      [2, 0.1],
      [7, 0.1],
    ] as const) {
      expect((await trainPath(cooling, requests, items, epoch)).temperature![0]).toBeCloseTo(wanted, 5);
    }
    await cooling.release();
  });

  test('are counted: entropy, largest share and number of those in use, from the indices that are stored', async () => {
    const { data } = (await model.inference.items(items))['item.query']!;
    const shares = [...new Set(data)].map((query) => data.filter((one) => one === query).length / data.length);
    const metrics = await trainPath(model, requests, items, 0);
    expect(metrics.queriesUsed![0]).toBe(shares.length);
    expect(metrics.largestShare![0]).toBeCloseTo(Math.max(...shares), 5);
    expect(metrics.queryEntropy![0]).toBeCloseTo(-shares.reduce((sum, p) => sum + p * Math.log(p), 0), 4);
  });

  test('may stand in any order', async () => {
    const before = await model.scores(requests, items);
    const index = (await model.inference.items(items))['item.query']!.data;
    const metaMatrix = model.source.values('shared/metaQuery/metaMatrix');
    const kept = metaMatrix.slice();
    rotate(metaMatrix, SMALL.queries);
    expect(distance(await model.scores(requests, items), before)).toBeLessThan(1e-5);
    const moved = (await model.inference.items(items))['item.query']!.data;
    expect([...moved]).toEqual([...index].map((row) => (row + SMALL.queries - 1) % SMALL.queries));
    metaMatrix.set(kept);
  });

  test('a single one is the same for all items: only their heads differ', async () => {
    const one = await ToyModel.create(fit, { ...SMALL, queries: 1 });
    const states = await one.inference.items(items);
    expect(new Set(states['item.query']!.data)).toEqual(new Set([0]));
    const same = {
      'item.heads': { ...states['item.heads']!, data: states['item.heads']!.data.map((_, i) => (i % 12) / 9) },
    };
    const scores = await one.inference.score(await one.inference.users(one.requests(1)), { ...states, ...same });
    expect(new Set(scores).size).toBe(1);
    await one.release();
  });

  test('are chosen by what is particular to an item, not by what all have in common', async () => {
    const attributes = Float32Array.from({ length: 50 * 4 }, (_, at) => 3 + Math.sin(7 * at) / 1000);
    const build = new Build(true);
    const chosen = build.run(() => {
      const given = input('attributes', ['I', 4]);
      const index = (standardized: boolean) => new MetaQueryModule(8, 4, true, standardized).index(given);
      return { standardized: index(true), plain: index(false) };
    });
    const feeds: Feeds = { attributes: { data: attributes, shape: [50, 4] } };
    const directions = Float32Array.from({ length: 8 * 4 }, (_, at) => Math.cos(5 * at));
    feeds['shared/metaQuery/metaMatrix'] = { data: directions, shape: [8, 4] };
    const program = await Program.load(compile('choice', chosen), { threads: 1 });
    const found = await program.call(feeds);
    await program.release();
    const different = ({ data }: { data: ArrayLike<number | bigint> }) => new Set(Array.from(data)).size;
    expect(different(found.plain!)).toBe(1);
    expect(different(found.standardized!)).toBeGreaterThan(4);
  });

  test('are attended with where there are a query and a history', () => {
    const attentions = (options: object, data = model.dataset.schema) => {
      const parts = fit.create(data, fit.options.parse({ ...SMALL, ...options }));
      const build = new Build(false);
      build.run(() => parts.user(userInputs(data, 'B')));
      return [...build.parameters.keys()].filter((name) => name.includes('attention')).length;
    };
    expect(attentions({})).toBeGreaterThan(0);
    expect(attentions({}, { ...model.dataset.schema, histories: [] })).toBe(0);
    expect(attentions({ metaQuery: 'none' })).toBe(0);
  });
});

test.each([
  ['self-attention', 'lss', 8],
  ['plain', 'flattened', 2],
] as const)('gradients of warm soft queries agree with differences: %s, %s', async (metaQuery, scorer, scorerWidth) => {
  const temperature = { start: 1, end: 1 };
  const model = await ToyModel.create(fit, {
    ...SMALL,
    metaQuery,
    scorer,
    scorerWidth,
    temperature,
    activation: 'tanh',
  });
  const trainer = await toyTrainer(model);
  await checkToyGradients(trainer, 4);
  await trainer.release();
});

test('costs what its page says', async () => {
  const model = await ToyModel.create(fit, SMALL);
  const { item, user, score } = model.inference.parts;
  const cost = (part: Record<string, Tensor>) => graphCost(Object.values(part), { I: 1, B: 1, N: 1 });
  // Two attributes, which the history shows too, and two numbers; three embeddings and two numbers; four events.
  const [n, attributes, fields, profile, events] = [SMALL.queries, 2 * 3, 2 * 3 + 2, 3 * 3 + 2, 4];
  const [t1, t2] = SMALL.towers as [number, number];
  const [a1] = SMALL.attention as [number];
  const heads = [SMALL.userHeads * SMALL.headWidth, SMALL.itemHeads * SMALL.headWidth] as const;
  expect(cost(item).multiplyAdds).toBe(fields * t1 + t1 * t2 + t2 * heads[1] + n * attributes);
  expect(cost(item).outputBytes).toBe(4 * heads[1] + 4);
  const once = profile * t1 + events * attributes * a1;
  const perQuery = events * (attributes * a1 + a1 + attributes) + attributes * t1 + t1 * t2 + t2 * heads[0];
  const forAll = 2 * n * n * attributes + n * (attributes * a1 + attributes * t1);
  expect(cost(user).multiplyAdds).toBe(once + n * perQuery + forAll);
  expect(cost(user).outputBytes).toBe(4 * n * heads[0]);
  const { userHeads, itemHeads, headWidth, scorerWidth: r } = SMALL;
  const pairs = userHeads * itemHeads;
  expect(cost(score).multiplyAdds).toBe(pairs * headWidth + pairs * r + userHeads * r * r + r * r);
  await model.release();
});

test('a training step reports the queries', async () => {
  const trainer = await toyTrainer(await ToyModel.create(fit, SMALL));
  const report = await trainer.next();
  expect(report['metric.temperature']).toBe(1);
  expect(report['metric.agreement']).toBeGreaterThan(0);
  expect(report['metric.queriesUsed']).toBeGreaterThanOrEqual(1);
  expect((await trainer.next())['metric.temperature']).toBeCloseTo(1 - 1 / trainer.stepsPerEpoch, 5);
  await trainer.release();
});

test('retrieves where nothing but an inner product of two vectors is left', () => {
  const retrieval = (options: object) => {
    const same = { itemHeads: 2, ...options };
    return fit.create(schema, fit.options.parse({ ...SMALL, ...same })).retrieval;
  };
  expect(retrieval({ metaQuery: 'none', scorer: 'dot' })).toEqual({ user: 'heads', item: 'heads' });
  expect(retrieval({ metaQuery: 'none', scorer: 'lss' })).toBeUndefined();
  expect(retrieval({ scorer: 'dot' })).toBeUndefined();
});

const field = { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'item.id', size: 3 } as const;
const price = { name: 'price', owner: 'item', encoding: 'numbers', width: 1 } as const;
const age = { name: 'age', owner: 'user', encoding: 'numbers', width: 1 } as const;
const schema: Schema = { user: [age], context: [], item: [field], histories: [] };

test.each([
  ['no item field', { ...schema, item: [] }, {}],
  ['no item field with ids', { ...schema, item: [price] }, {}],
  ['no user field, context field or history', { ...schema, user: [] }, {}],
  ['without a history the query is of no use', schema, { queryAsFeature: false }],
  ['as many user heads as item heads, not 2 and 3', schema, { scorer: 'dot' }],
])('refuses: %s', (message, data, options) => {
  expect(() => fit.create(data, fit.options.parse({ ...SMALL, ...options }))).toThrow(message);
});
