import { describe, expect, test } from 'vitest';
import type { Feature, Feeds, Schema } from '../../schema.js';
import { distance, rowsOf } from '../../testing/compare.js';
import { toyDataset } from '../../testing/toy-dataset.js';
import { ToyModel } from '../../testing/toy-model.js';
import youtubeDnn from './model.js';

const SMALL = { embedding: 3, towers: [5, 4] };
type Options = ReturnType<typeof youtubeDnn.options.parse>;

const plus = (a: number[], b: number[]) => a.map((value, k) => value + b[k]!);
const times = (a: number[], factor: number) => a.map((value) => value * factor);
const dot = (a: number[], b: number[]) => a.reduce((sum, value, k) => sum + value * b[k]!, 0);

/** The model once more from its equations: loops over numbers, one user and one item at a time. */
class PlainYoutube {
  constructor(
    private readonly values: (parameter: string) => Float32Array,
    private readonly schema: Schema,
    private readonly options: Options,
  ) {}

  score(requests: Feeds, b: number, items: Feeds, i: number): number {
    const [user, item] = [this.user(requests, b), this.item(items, i)];
    const { temperature } = this.options;
    if (temperature === undefined) return dot(user, item);
    return dot(user, item) / Math.sqrt(dot(user, user) * dot(item, item)) / temperature;
  }

  private item(feeds: Feeds, i: number): number[] {
    const prefix = this.options.tied ? '' : 'output/';
    let sum = [0, 0, 0];
    for (const feature of this.schema.item) {
      const vector = this.vector(feeds, `item.${feature.name}`, i, feature, prefix);
      sum = plus(
        sum,
        feature.encoding === 'numbers'
          ? this.dense(`shared/${prefix}numbers/item.${feature.name}/map`, vector, 3, false)
          : vector,
      );
    }
    return sum;
  }

  private user(feeds: Feeds, b: number): number[] {
    const x: number[] = [];
    for (const { name, maxLength, features } of this.schema.histories) {
      const used = feeds[`history.${name}.length`]!.data[b]!;
      for (const feature of features) {
        let sum = new Array<number>(feature.encoding === 'numbers' ? feature.width : 3).fill(0);
        for (let j = maxLength - used; j < maxLength; j++) {
          sum = plus(sum, this.vector(feeds, `history.${name}.${feature.name}`, b * maxLength + j, feature));
        }
        x.push(...times(sum, 1 / Math.max(1, used)));
      }
    }
    const own = [...this.schema.user, ...this.schema.context];
    for (const numbers of [false, true]) {
      for (const feature of own.filter(({ encoding }) => (encoding === 'numbers') === numbers)) {
        x.push(...this.vector(feeds, `${feature.owner}.${feature.name}`, b, feature));
      }
    }
    let h = x;
    this.options.towers.forEach((units, layer) => {
      h = this.dense(`user/tower/layer${layer + 1}/dense`, h, units, true).map((value) => Math.max(0, value));
    });
    return this.dense('user/out', h, 3, true);
  }

  private vector(feeds: Feeds, name: string, row: number, feature: Feature, prefix = ''): number[] {
    const { data } = feeds[name]!;
    if (feature.encoding === 'numbers')
      return Array.from(data.subarray(row * feature.width, (row + 1) * feature.width));
    const count = feature.encoding === 'id' ? 1 : feeds[`${name}.length`]!.data[row]!;
    const first = feature.encoding === 'id' ? row : row * feature.maxLength;
    const table = this.values(`tables/${prefix}${feature.vocabulary}`);
    let sum = [0, 0, 0];
    for (const id of data.subarray(first, first + count))
      sum = plus(sum, Array.from(table.subarray(id * 3, id * 3 + 3)));
    return times(sum, 1 / Math.max(1, count));
  }

  private dense(place: string, x: number[], units: number, bias: boolean): number[] {
    const weight = this.values(`${place}/weight`);
    return Array.from({ length: units }, (_, j) =>
      x.reduce((sum, value, k) => sum + value * weight[k * units + j]!, bias ? this.values(`${place}/bias`)[j]! : 0),
    );
  }
}

describe.each([{}, { tied: false }, { temperature: 0.5 }, { towers: [], tied: false, temperature: 0.1 }])(
  '%o',
  (differing) => {
    test('scores as the equations say, number by number', async () => {
      const options = youtubeDnn.options.parse({ ...SMALL, ...differing });
      const model = await ToyModel.create(youtubeDnn, options);
      const plain = new PlainYoutube((name) => model.source.values(name), model.dataset.schema, options);
      const [requests, items] = [model.requests(6), model.items(5)];
      const expected: number[] = [];
      for (let b = 0; b < rowsOf(requests); b++) {
        for (let i = 0; i < rowsOf(items); i++) expected.push(plain.score(requests, b, items, i));
      }
      expect(distance(await model.scores(requests, items), expected)).toBeLessThan(1e-5);
      await model.release();
    });
  },
);

test('tied, a candidate and the memory of it share one table; untied they do not', async () => {
  const tables = async (tied: boolean) => {
    const model = await ToyModel.create(youtubeDnn, { ...SMALL, tied });
    const names = model.inference.parameters.filter(({ kind }) => kind === 'table').map(({ name }) => name);
    await model.release();
    return names.filter((name) => name.endsWith('item_id')).filter((name) => name.includes('item.'));
  };
  expect(await tables(true)).toEqual(['tables/item.item_id']);
  expect((await tables(false)).sort()).toEqual(['tables/item.item_id', 'tables/output/item.item_id']);
});

test('data that leaves a side without input is refused', () => {
  const { schema } = toyDataset();
  const create = (poorer: Partial<Schema>) =>
    youtubeDnn.create({ ...schema, ...poorer }, youtubeDnn.options.parse(SMALL));
  expect(() => create({ item: [] })).toThrow('youtube-dnn: the data has no item field');
  expect(() => create({ user: [], context: [], histories: [] })).toThrow('youtube-dnn: the data has no user field');
});
