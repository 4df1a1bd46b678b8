import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { graphCost, type Tensor } from '../../graph/index.js';
import type { Feeds, Schema } from '../../schema.js';
import { distance, takeRows } from '../../testing/compare.js';
import { ToyModel } from '../../testing/toy-model.js';
import din from './model.js';

const SMALL = { embedding: 3, attention: [5, 4], towers: [6] };
const ITEMS = 9;
const LENGTH = 4;
/** Two embeddings and two numbers; three embeddings and two numbers. */
const EVENT = 2 * 3 + 2;
const PROFILE = 3 * 3 + 2;

/** The user with these past events, newest last: each number stands for an item unlike the others. */
function withEvents(user: Feeds, events: readonly number[]): Feeds {
  const data = new Float32Array(LENGTH * EVENT).fill(9);
  events.forEach((event, at) => {
    for (let k = 0; k < EVENT; k++) data[(LENGTH - events.length + at) * EVENT + k] = Math.sin(5 * event + k);
  });
  return {
    ...user,
    'user.events.clicks': { data, shape: [1, LENGTH, EVENT] },
    'user.length.clicks': { data: Int32Array.of(events.length), shape: [1] },
  };
}

describe.each(['raw', 'softmax'] as const)('%s weights', (weights) => {
  let model: ToyModel;
  let items: Feeds;
  let user: Feeds;
  beforeAll(async () => {
    model = await ToyModel.create(din, { ...SMALL, weights });
    items = await model.inference.items(model.items(ITEMS));
    user = await model.inference.users(model.requests(1));
  });
  afterAll(() => model.release());
  const scores = (events: readonly number[]) => model.inference.score(withEvents(user, events), items);

  test('past events may come in any order, but each counts', async () => {
    const before = await scores([0, 1, 2, 3]);
    expect(distance(await scores([2, 0, 3, 1]), before)).toBeLessThan(1e-5);
    expect(distance(await scores([1, 2, 3]), before)).toBeGreaterThan(1e-4);
    expect(distance(await scores([0, 1, 2]), before)).toBeGreaterThan(1e-4);
  });

  test('an event that happened twice makes a raw interest stronger, but no softmax interest', async () => {
    const [once, twice] = [await scores([1]), await scores([1, 1])];
    if (weights === 'softmax') expect(distance(twice, once)).toBeLessThan(1e-5);
    else expect(distance(twice, once)).toBeGreaterThan(1e-4);
  });

  test('without past events the candidate asks in vain', async () => {
    const asked = { ...items, 'item.event.clicks': { ...items['item.event.clicks']! } };
    asked['item.event.clicks']!.data = asked['item.event.clicks']!.data.map((value) => -2 * value);
    const score = (state: Feeds, events: readonly number[]) => model.inference.score(withEvents(user, events), state);
    expect(await score(asked, [])).toEqual(await score(items, []));
    // With a single event a softmax weight is 1 whatever is asked.
    expect(distance(await score(asked, [0, 1, 2]), await score(items, [0, 1, 2]))).toBeGreaterThan(1e-4);
  });
});

test('an item as a candidate is the same to the attention as in a history', async () => {
  const model = await ToyModel.create(din, SMALL);
  const requests = takeRows(model.requests(5), [4]);
  const items = model.items(model.dataset.items.count - 1);
  const { 'user.events.clicks': events, 'user.length.clicks': length } = await model.inference.users(requests);
  const { 'item.event.clicks': candidates } = await model.inference.items(items);
  expect([...length!.data]).toEqual([LENGTH]);
  requests['history.clicks.item_id']!.data.forEach((id, at) => {
    const row = items['item.item_id']!.data.indexOf(id);
    const asEvent = events!.data.subarray(at * EVENT, (at + 1) * EVENT);
    const asCandidate = candidates!.data.subarray(row * EVENT, (row + 1) * EVENT);
    expect(distance(asEvent, asCandidate)).toBeLessThan(1e-6);
  });
  await model.release();
});

test('costs what its page says', async () => {
  const model = await ToyModel.create(din, SMALL);
  const { score, item, user } = model.inference.parts;
  const cost = (part: Record<string, Tensor>, candidates: number) =>
    graphCost(Object.values(part), { I: 1, B: 1, N: candidates });
  const ofPair = LENGTH * (EVENT * 5 + 5 * 4 + 4 + EVENT) + EVENT * 5 + (EVENT + EVENT) * 6 + 6;
  const ofRequest = LENGTH * EVENT * 5 + PROFILE * 6;
  expect(cost(score, 1000).multiplyAdds).toBe(1000 * ofPair + ofRequest);
  expect(cost(item, 1).outputBytes).toBe(4 * (EVENT + EVENT));
  expect(cost(user, 1).outputBytes).toBe(4 * (PROFILE + LENGTH * EVENT + 1));
  await model.release();
});

test('a history alone is enough of a user, but there must be one', () => {
  const feature = { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'item.id', size: 3 } as const;
  const history = { name: 'clicks', maxLength: 2, features: [feature] };
  const schema: Schema = { user: [], context: [], item: [feature], histories: [history] };
  const create = (data: Schema) => din.create(data, din.options.parse(SMALL));
  expect(() => create(schema)).not.toThrow();
  expect(() => create({ ...schema, histories: [] })).toThrow('din: the data has no history with features');
  expect(() => create({ ...schema, histories: [{ ...history, features: [] }] })).toThrow('history with features');
  expect(() => create({ ...schema, item: [] })).toThrow('din: the data has no item field');
});
