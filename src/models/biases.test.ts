import { describe, expect, test } from 'vitest';
import type { Feature, Feeds } from '../schema.js';
import { distance, everyPair, rowsOf, takeRows } from '../testing/compare.js';
import { ToyModel } from '../testing/toy-model.js';
import { toyOptions } from '../testing/toy-options.js';
import { toyTrainer } from '../testing/toy-training.js';
import { trainingOutputs } from '../testing/training-outputs.js';
import { findModel } from './index.js';

const REQUESTS = 5;
const ITEMS = 7;
const SAME = 1e-5;

const CASES: [name: string, options: object][] = [
  ['fit', {}],
  ['fit', { metaQuery: 'none' }],
  ['fit', { metaQuery: 'none', scorer: 'dot' }],
  ['fit', { scorer: 'dot' }],
  ['ranktower', {}],
  ['inttower', {}],
  ['inttower', { contrastive: {} }],
  ['hit', {}],
  ['cold', {}],
  ['cold', { reportGates: true }],
  ['dat', {}],
  ['dat', { category: { field: 'item_id' } }],
  ['din', {}],
  ['dcn-v2', {}],
];

type Values = (parameter: string) => Float32Array;

/** Sum over the id fields of the mean of the numbers of their ids, for every row. */
function plainBias(values: Values, feeds: Feeds, features: readonly Feature[]): number[] {
  const known = features.flatMap((feature) => (feature.encoding === 'numbers' ? [] : [feature]));
  return Array.from({ length: rowsOf(feeds) }, (_, row) => {
    let sum = 0;
    for (const feature of known) {
      const name = `${feature.owner}.${feature.name}`;
      const width = feature.encoding === 'ids' ? feature.maxLength : 1;
      const count = feature.encoding === 'ids' ? feeds[`${name}.length`]!.data[row]! : 1;
      const ids = Array.from(feeds[name]!.data.subarray(row * width, row * width + (count as number)), Number);
      for (const id of ids) sum += values(`tables/bias/${feature.vocabulary}`)[id]! / ids.length;
    }
    return sum;
  });
}

/** The biases of pairs of a request and an item. */
function plainBiases(model: ToyModel, values: Values, feeds: Feeds, request: ArrayLike<number>, item: typeof request) {
  const { schema } = model.dataset;
  const pick = (pattern: RegExp) => Object.fromEntries(Object.entries(feeds).filter(([name]) => pattern.test(name)));
  const user = plainBias(values, pick(/^(user|context)\./), [...schema.user, ...schema.context]);
  const items = plainBias(values, pick(/^item\./), schema.item);
  return Array.from(request, (b, p) => user[b]! + items[item[p]!]!);
}

describe.each(CASES)('%s %o', (name, differing) => {
  /** The same model without and with biases; what both have is the same in both. */
  const both = async () => {
    const definition = findModel(name);
    const options = { ...((await toyOptions(definition)) as object), dropout: 0, ...differing };
    const plain = await ToyModel.create(definition, { ...options, biases: false });
    const model = await ToyModel.create(definition, { ...options, biases: true });
    plain.source = model.source;
    return { plain, model };
  };
  const plus = (scores: Float32Array, biases: readonly number[]) => biases.map((bias, p) => scores[p]! + bias);

  test('biases are off unless asked for, and then they are tables of width 1 and nothing else', async () => {
    expect(findModel(name).options.parse({}).biases).toBe(false);
    const { plain, model } = await both();
    const names = (of: ToyModel) => of.inference.parameters.map((parameter) => parameter.name);
    const more = names(model).filter((one) => !names(plain).includes(one));
    expect(more.length).toBeGreaterThan(1);
    expect(more.every((one) => one.startsWith('tables/bias/'))).toBe(true);
    expect(names(plain).filter((one) => !names(model).includes(one))).toEqual([]);
  });

  test('of pairs and of one request against many items, scores differ by item bias and user level', async () => {
    const { plain, model } = await both();
    const [requests, items] = [model.requests(REQUESTS), model.items(ITEMS)];
    const { request, item } = everyPair(REQUESTS, ITEMS);
    const values = (parameter: string) => model.source.values(parameter);
    const biases = plainBiases(model, values, { ...requests, ...items }, request, item);
    expect(new Set(biases).size).toBeGreaterThan(REQUESTS);
    const expected = plus(await plain.scores(requests, items), biases);
    expect(distance(await model.scores(requests, items), expected)).toBeLessThan(SAME);
    const [users, states] = [await model.inference.users(requests), await model.inference.items(items)];
    expect(distance(await model.inference.askedPairs(requests, states, request, item), expected)).toBeLessThan(SAME);
    for (let b = 0; b < REQUESTS; b++) {
      const found = await model.inference.score(takeRows(users, [b]), states);
      expect(distance(found, expected.slice(b * ITEMS, (b + 1) * ITEMS))).toBeLessThan(SAME);
    }
    await plain.release();
    await model.release();
  });

  test('so do the logits of training, whose own losses stay as they are', async () => {
    const { plain, model } = await both();
    const without = await trainingOutputs(plain);
    const { logits, losses, values, feeds } = await trainingOutputs(model);
    const rows = (side: string) => feeds[`pair.${side}`]!.data as Int32Array;
    const biases = plainBiases(model, values, feeds, rows('request'), rows('item'));
    expect(distance(logits, plus(without.logits, biases))).toBeLessThan(SAME);
    expect(distance(losses, without.losses)).toBeLessThan(SAME);
  });

  test('a training step moves the tables of both sides', async () => {
    const { model } = await both();
    const trainer = await toyTrainer(model);
    const { schema } = model.dataset;
    await trainer.next();
    for (const side of [schema.user, schema.item]) {
      const vocabularies = side.flatMap((feature) => (feature.encoding === 'numbers' ? [] : [feature.vocabulary]));
      for (const one of vocabularies)
        expect(trainer.store.values(`tables/bias/${one}`).some((v) => v !== 0)).toBe(true);
    }
    await trainer.release();
  });

  test('where it retrieves, inner products are the scores up to a number for each request', async () => {
    const { plain, model } = await both();
    expect(model.parts.retrieval).toEqual(plain.parts.retrieval);
    if (model.parts.retrieval === undefined) return;
    const [requests, items] = [model.requests(REQUESTS), model.items(ITEMS)];
    const { inference } = model;
    const products = await inference.retrieve(await inference.users(requests), await inference.items(items));
    const scores = await model.scores(requests, items);
    const relative = (of: Float32Array) => of.map((value, p) => value - of[p - (p % ITEMS)]!);
    expect(distance(relative(products), relative(scores))).toBeLessThan(SAME);
    await model.release();
  });
});

test.each(['fit', 'dcn-v2'])('%s: a side without id fields adds nothing', async (name) => {
  const definition = findModel(name);
  const { dataset } = await ToyModel.create(definition);
  const { schema } = dataset;
  const numbers = schema.user.filter(({ encoding }) => encoding === 'numbers');
  const poorer = { ...dataset, schema: { ...schema, user: numbers, context: [] } };
  const options = { ...((await toyOptions(definition)) as object), biases: true };
  const { inference } = await ToyModel.create(definition, options, poorer);
  expect(Object.keys(inference.parts.user)).not.toContain('user.bias');
  expect(Object.keys(inference.parts.item)).toContain('item.bias');
});
