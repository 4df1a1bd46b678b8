import { expect, test } from 'vitest';
import { itemFeeds, requestFeeds } from '../data/batches.js';
import { generateDataset } from '../data/generate.js';
import { add, indicator, multiply, reduceSum } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import type { Feature } from '../schema.js';
import { concatStates, Inference, sliceState } from './inference.js';
import { createOptimizer } from './optimizers.js';
import { ParameterStore } from './parameter-store.js';
import { buildServingParts } from './serving-graph.js';
import { linearModel } from './testing/linear-model.js';

const dataset = generateDataset({ users: 6, items: 9, events: 60 });
const { parameters } = buildServingParts(linearModel, dataset.schema);
const store = new ParameterStore(parameters, createOptimizer({ name: 'sgd', momentum: 0 }), 1);
const inference = () => new Inference(linearModel, dataset.schema, (name) => store.values(name), { threads: 1 });

test('slices and their concatenation', () => {
  const state = {
    a: { data: Float32Array.from([1, 2, 3, 4, 5, 6]), shape: [3, 2] },
    b: { data: Int32Array.from([7, 8, 9]), shape: [3] },
  };
  const middle = sliceState(state, 1, 2);
  expect(middle).toEqual({
    a: { data: Float32Array.of(3, 4), shape: [1, 2] },
    b: { data: Int32Array.of(8), shape: [1] },
  });
  expect(concatStates([sliceState(state, 0, 1), sliceState(state, 1, 3)])).toEqual(state);
  expect(concatStates([state])).toBe(state);
});

test('pairs, one request against many, and retrieval give the same scores', async () => {
  const program = inference();
  const items = await program.items(itemFeeds(dataset, [1, 2, 3, 4, 5]));
  const users = await program.users(requestFeeds(dataset, { users: [2, 4], times: [2e9, 2e9] }));
  const every = Array.from({ length: 10 }, (_, p) => p);
  const request = Int32Array.from(every, (p) => Math.floor(p / 5));
  const pairs = await program.pairs(
    users,
    items,
    request,
    Int32Array.from(every, (p) => p % 5),
  );
  const retrieved = await program.retrieve(users, items);
  for (const b of [0, 1]) {
    const scores = await program.score(sliceState(users, b, b + 1), items);
    for (const i of [0, 1, 2, 3, 4]) {
      expect(scores[i]).toBeCloseTo(pairs[b * 5 + i]!, 6);
      expect(retrieved[b * 5 + i]).toBeCloseTo(pairs[b * 5 + i]!, 6);
    }
  }
  await program.release();
});

test.each([1, 100, 1 << 20])(
  'requests go through in blocks that fit in %i bytes, none of them lost',
  async (largestTensor) => {
    const feeds = requestFeeds(dataset, { users: [2, 4, 1, 3, 5], times: [2e9, 2e9, 1e9, 2e9, 1e9] });
    const whole = inference();
    const blocks = new Inference(linearModel, dataset.schema, (name) => store.values(name), {
      threads: 1,
      largestTensor,
    });
    const expected = await whole.users(feeds);
    const found = await blocks.users(feeds);
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    for (const [name, { data, shape }] of Object.entries(expected)) {
      expect(found[name]!.shape).toEqual(shape);
      Array.from(data).forEach((value, i) => {
        expect(found[name]!.data[i]).toBeCloseTo(value, 5);
      });
    }
    await whole.release();
    await blocks.release();
  },
);

test('each call sees the parameters as they are then', async () => {
  const program = inference();
  const feeds = itemFeeds(dataset, [1]);
  const before = await program.items(feeds);
  store.values('item/out/bias').fill(5);
  const after = await program.items(feeds);
  Array.from(after['item.vector']!.data).forEach((value, i) => {
    expect(value - before['item.vector']!.data[i]!).toBeCloseTo(5, 5);
  });
  await program.release();
});

test('lists are re-ranked with the states of their items and what stands beside them', async () => {
  // y_j = s_j + ⟨user, item_j⟩ · the number of candidates that are there: different for every list, item and request.
  const listwise: ModelParts = {
    ...linearModel,
    rerank(user, items, scores, mask) {
      const inner = reduceSum(multiply(user.vector!, items.vector!), -1);
      return add(scores, multiply(inner, reduceSum(indicator(mask), -1, true)));
    },
  };
  const program = new Inference(listwise, dataset.schema, (name) => store.values(name), { threads: 1 });
  const items = await program.items(itemFeeds(dataset, [1, 2, 3, 4, 5]));
  const users = await program.users(requestFeeds(dataset, { users: [2, 4], times: [2e9, 2e9] }));
  const rows = Int32Array.of(4, 0, 2, 1, 1, 3);
  const scores = Float32Array.of(1, 2, 3, 4, 5, 6);
  const inner = await program.pairs(users, items, Int32Array.of(0, 0, 0, 1, 1, 1), rows);
  const logits = await program.rerank(users, items, { items: rows, scores });
  const fewer = await program.rerank(users, items, { items: rows, scores, mask: Uint8Array.of(1, 1, 0, 1, 0, 0) });
  inner.forEach((value, p) => {
    expect(logits[p]).toBeCloseTo(scores[p]! + 3 * value, 5);
    expect(fewer[p]).toBeCloseTo(scores[p]! + (p < 3 ? 2 : 1) * value, 5);
  });
  await program.release();
  const plain = inference();
  await expect(plain.rerank(users, items, { items: rows, scores })).rejects.toThrow('does not re-rank');
});

test('a model without an inner product cannot retrieve', async () => {
  const { item, user, score } = linearModel;
  const program = new Inference({ item, user, score }, dataset.schema, (name) => store.values(name));
  await expect(program.retrieve({}, {})).rejects.toThrow('the model cannot retrieve');
});

test('a field with the name of a state is refused before anything runs', () => {
  const vector: Feature = { name: 'vector', owner: 'item', encoding: 'numbers', width: 1 };
  const schema = { ...dataset.schema, item: [...dataset.schema.item, vector] };
  expect(() => buildServingParts(linearModel, schema)).toThrow('the item field "vector" has the name of a state');
});
