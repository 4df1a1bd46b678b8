import { describe, expect, test } from 'vitest';
import { Build, compile, input, Program, scalar } from '../../graph/index.js';
import type { Feature, Feeds, Schema } from '../../schema.js';
import { distance, rowsOf } from '../../testing/compare.js';
import { toyDataset } from '../../testing/toy-dataset.js';
import { ToyModel } from '../../testing/toy-model.js';
import comirec from './model.js';

const D = 3;
const K = 2;
const SMALL = { embedding: D, interests: K };

const plus = (a: number[], b: number[]) => a.map((value, k) => value + b[k]!);
const times = (a: number[], factor: number) => a.map((value) => value * factor);
const dot = (a: number[], b: number[]) => a.reduce((sum, value, k) => sum + value * b[k]!, 0);

/** The model once more from its equations: loops over numbers, one user and one item at a time. */
class PlainComirec {
  constructor(
    private readonly values: (parameter: string) => Float32Array,
    private readonly schema: Schema,
  ) {}

  score(requests: Feeds, b: number, items: Feeds, i: number): number {
    const item = this.item(items, 'item', i, this.schema.item);
    return Math.max(...this.interests(requests, b).map((interest) => dot(interest, item)));
  }

  private interests(feeds: Feeds, b: number): number[][] {
    const [{ name, maxLength, features }] = this.schema.histories as [Schema['histories'][number]];
    const used = feeds[`history.${name}.length`]!.data[b]!;
    const newcomer = Array.from(this.values('user/newcomer'));
    if (used === 0) return Array.from({ length: K }, () => newcomer);
    const events: { x: number[]; scores: number[] }[] = [];
    for (let j = maxLength - used; j < maxLength; j++) {
      const x = this.item(feeds, `history.${name}`, b * maxLength + j, features);
      const placed = plus(x, Array.from(this.values('user/position').subarray(j * D, (j + 1) * D)));
      events.push({ x, scores: this.dense('user/w2', this.dense('user/w1', placed, 4 * D).map(Math.tanh), K) });
    }
    return Array.from({ length: K }, (_, k) => {
      const weights = events.map(({ scores }) => Math.exp(scores[k]!));
      const total = weights.reduce((a, b) => a + b, 0);
      return events.reduce((sum, { x }, j) => plus(sum, times(x, weights[j]! / total)), [0, 0, 0]);
    });
  }

  private item(feeds: Feeds, prefix: string, row: number, features: readonly Feature[]): number[] {
    return features.reduce(
      (sum, feature) => plus(sum, this.vector(feeds, `${prefix}.${feature.name}`, row, feature)),
      [0, 0, 0],
    );
  }

  private vector(feeds: Feeds, name: string, row: number, feature: Feature): number[] {
    const { data } = feeds[name]!;
    if (feature.encoding === 'numbers') {
      const numbers = Array.from(data.subarray(row * feature.width, (row + 1) * feature.width));
      return this.dense(`shared/numbers/item.${feature.name}/map`, numbers, D);
    }
    const count = feature.encoding === 'id' ? 1 : feeds[`${name}.length`]!.data[row]!;
    const first = feature.encoding === 'id' ? row : row * feature.maxLength;
    const table = this.values(`tables/${feature.vocabulary}`);
    let sum = [0, 0, 0];
    for (const id of data.subarray(first, first + count))
      sum = plus(sum, Array.from(table.subarray(id * D, id * D + D)));
    return times(sum, 1 / Math.max(1, count));
  }

  private dense(place: string, x: number[], units: number): number[] {
    const weight = this.values(`${place}/weight`);
    return Array.from({ length: units }, (_, j) =>
      x.reduce((sum, value, k) => sum + value * weight[k * units + j]!, 0),
    );
  }
}

test('scores as the equations say, number by number, with a history and without one', async () => {
  const model = await ToyModel.create(comirec, SMALL);
  const plain = new PlainComirec((name) => model.source.values(name), model.dataset.schema);
  const [requests, items] = [model.requests(6), model.items(5)];
  expect(new Set(requests['history.clicks.length']!.data).has(0)).toBe(true);
  const expected: number[] = [];
  for (let b = 0; b < rowsOf(requests); b++) {
    for (let i = 0; i < rowsOf(items); i++) expected.push(plain.score(requests, b, items, i));
  }
  expect(distance(await model.scores(requests, items), expected)).toBeLessThan(1e-5);
  await model.release();
});

/** What `train` makes of interests [B, 2, 2] and items [I, 2]. */
async function trained(options: object) {
  const { schema } = toyDataset();
  const parts = comirec.create(schema, comirec.options.parse({ interests: 2, ...options }));
  const none = { fields: [], context: [], histories: [] };
  const { logits, similarity, metrics } = new Build(true).run(() =>
    parts.train!({
      user: none,
      item: none,
      userState: { interests: input('interests', ['B', 2, 2]) },
      itemState: { vector: input('vector', ['I', 2]) },
      request: input('request', ['P'], 'int32'),
      itemRow: input('itemRow', ['P'], 'int32'),
      label: input('label', ['P']),
      logq: input('logq', ['I']),
      step: scalar(0),
      stepsPerEpoch: scalar(1),
    }),
  );
  const program = await Program.load(compile('train', { logits, similarity: similarity!, ...metrics }), { threads: 1 });
  const results = await program.call({
    interests: { data: Float32Array.of(1, 0, 0, 2, 1, 1, 3, 0), shape: [2, 2, 2] },
    vector: { data: Float32Array.of(1, 0, 0, 1, 1, 1), shape: [3, 2] },
    request: { data: Int32Array.of(0, 0, 1), shape: [3] },
    itemRow: { data: Int32Array.of(0, 1, 2), shape: [3] },
  });
  await program.release();
  const values = (name: string) => Array.from(results[name]!.data, Number);
  return { logits: values('logits'), similarity: values('similarity'), largest: values('largestInterest')[0] };
}

describe('in training', () => {
  test('the item of a pair chooses one interest, which meets all items of the batch', async () => {
    const { logits, similarity, largest } = await trained({});
    // Of (1, 0) and (0, 2) item (1, 0) chooses the first, (0, 1) the second; of (1, 1) and (3, 0) item (1, 1) the second.
    expect(logits).toEqual([1, 2, 3]);
    expect(similarity).toEqual([1, 0, 1, 0, 2, 2, 3, 0, 3]);
    expect(largest).toBeCloseTo(2 / 3, 6);
  });

  test('label-aware attention mixes them by the power of their inner products', async () => {
    const { logits, similarity } = await trained({ labelAwarePower: 2 });
    // Products 1 and 0 of the first pair give weights e : 1.
    const first = Math.E / (Math.E + 1);
    expect(logits[0]).toBeCloseTo(first, 5);
    expect(similarity[1]).toBeCloseTo(2 * (1 - first), 5);
    // Products 2 and 3 of the last one are squared: weights 1 : e⁵.
    const last = 1 / (1 + Math.exp(5));
    expect(logits[2]).toBeCloseTo(2 * last + 3 * (1 - last), 5);
  });

  test('the larger the power, the nearer it comes to the interest chosen alone', async () => {
    const [hard, soft, softer] = [
      await trained({}),
      await trained({ labelAwarePower: 6 }),
      await trained({ labelAwarePower: 1 }),
    ];
    expect(distance(soft.logits.slice(1), hard.logits.slice(1))).toBeLessThan(1e-5);
    expect(distance(softer.logits.slice(1), hard.logits.slice(1))).toBeGreaterThan(0.01);
  });
});

test('data without what it reads is refused', () => {
  const { schema } = toyDataset();
  const create = (poorer: Partial<Schema>, options = {}) =>
    comirec.create({ ...schema, ...poorer }, comirec.options.parse({ ...SMALL, ...options }));
  expect(() => create({ histories: [] })).toThrow('comirec: the data has no history');
  expect(() => create({}, { history: 'likes' })).toThrow('comirec: the data has no history likes');
  expect(() => create({}, { history: 'clicks' })).not.toThrow();
  expect(() => create({ item: [] })).toThrow('comirec: the data has no item field');
});
