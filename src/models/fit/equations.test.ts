import { describe, expect, test } from 'vitest';
import type { Feature, Feeds, Schema } from '../../schema.js';
import { distance, everyPair, rowsOf } from '../../testing/compare.js';
import { toyDataset } from '../../testing/toy-dataset.js';
import { ToyModel } from '../../testing/toy-model.js';
import fit from './model.js';

type Options = ReturnType<typeof fit.options.parse>;
type Vector = readonly number[];

const SMALL = {
  embedding: 3,
  queries: 5,
  attention: [6, 4],
  towers: [9, 8],
  userHeads: 2,
  itemHeads: 3,
  headWidth: 4,
  scorerWidth: 8,
  normalization: 'none',
};

const sum = (values: Vector) => values.reduce((a, b) => a + b, 0);
const inner = (a: Vector, b: Vector) => sum(a.map((value, k) => value * b[k]!));
const relu = (x: Vector) => x.map((value) => Math.max(0, value));

/** Serving from the equations: loops over numbers, one user and one item at a time. */
class PlainFit {
  constructor(
    private readonly values: (parameter: string) => Float32Array,
    private readonly schema: Schema,
    private readonly options: Options,
  ) {}

  score(requests: Feeds, b: number, items: Feeds, i: number): number {
    const attributes = this.attributes().flatMap((feature) => this.embed(items, `item.${feature.name}`, i, feature));
    const query = this.options.metaQuery === 'none' ? undefined : this.hardQuery(attributes);
    const { userHeads, itemHeads, headWidth } = this.options;
    const user = this.userVector(requests, b, query);
    const item = this.layers('item', this.side(items, i, this.schema.item));
    const heads = (vector: Vector, count: number) =>
      Array.from({ length: count }, (_, h) => vector.slice(h * headWidth, (h + 1) * headWidth));
    return this.compare(heads(user, userHeads), heads(item, itemHeads));
  }

  /** g of the meta vector that is most like the item. */
  private hardQuery(attributes: Vector): number[] {
    const width = attributes.length;
    const matrix = this.values('shared/metaQuery/metaMatrix');
    const meta = Array.from({ length: this.options.queries }, (_, n) => [
      ...matrix.subarray(n * width, (n + 1) * width),
    ]);
    const compared = this.options.standardized ? this.standardized(attributes) : attributes;
    const likeness = meta.map((row) => inner(row, compared));
    const chosen = meta[likeness.indexOf(Math.max(...likeness))]!;
    if (this.options.metaQuery === 'plain') return chosen;
    const result = new Array<number>(width).fill(0);
    for (const row of meta) {
      const weight = inner(chosen, row);
      row.forEach((value, k) => {
        result[k]! += weight * value;
      });
    }
    return result;
  }

  private standardized(attributes: Vector): number[] {
    const [mean, variance] = ['mean', 'variance'].map((name) => this.values(`shared/metaQuery/attributes/${name}`));
    return attributes.map((value, k) => (value - mean![k]!) / Math.sqrt(variance![k]! + 1e-8));
  }

  private userVector(feeds: Feeds, b: number, query: Vector | undefined): number[] {
    const parts = [this.side(feeds, b, [...this.schema.user, ...this.schema.context])];
    if (query !== undefined && this.options.queryAsFeature) parts.push([...query]);
    for (const { name, maxLength, features } of this.schema.histories) {
      const length = feeds[`history.${name}.length`]!.data[b]!;
      const known = this.attributes().filter((one) => features.some((feature) => feature.name === one.name));
      const events = Array.from({ length }, (_, past) =>
        known.flatMap((feature) =>
          this.embed(feeds, `history.${name}.${feature.name}`, (b + 1) * maxLength - length + past, feature),
        ),
      );
      const width = known.length * this.options.embedding;
      const weights = this.attention(`shared/userTower/${name}`, events, query, width);
      const pooled = Array.from({ length: width }, (_, k) => sum(events.map((event, j) => weights[j]! * event[k]!)));
      parts.push(pooled);
    }
    return this.layers('shared/userTower', parts.flat());
  }

  private attention(place: string, events: readonly Vector[], query: Vector | undefined, width: number): number[] {
    if (query === undefined) return events.map(() => 1 / events.length);
    const target = query.length === width ? query : this.dense(`${place}/query`, query, width);
    const scores = events.map((event) => {
      let h: Vector = [
        ...target,
        ...event,
        ...target.map((value, k) => value - event[k]!),
        ...target.map((value, k) => value * event[k]!),
      ];
      this.options.attention.forEach((units, layer) => {
        h = relu(this.dense(`${place}/attention/layer${layer + 1}/dense`, h, units));
      });
      return this.dense(`${place}/attention/layer${this.options.attention.length + 1}/dense`, h, 1)[0]!;
    });
    const highest = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - highest));
    return powers.map((power) => power / sum(powers));
  }

  private compare(user: readonly Vector[], item: readonly Vector[]): number {
    const { scorer, scorerWidth: r, headWidth } = this.options;
    const place = 'shared/similarityScorer';
    const scale = scorer === 'dot' ? headWidth * user.length : headWidth;
    const s = user.map((u) => item.map((v) => inner(u, v) / Math.sqrt(scale)));
    if (scorer === 'dot') return sum(s.map((row, h) => row[h]!)) + this.values(`${place}/level`)[0]!;
    if (scorer === 'sum-max') return sum(s.map((row) => Math.max(...row))) + this.values(`${place}/level`)[0]!;
    if (scorer === 'flattened') {
      return this.dense(`${place}/output`, relu(this.dense(`${place}/flattened/dense`, s.flat(), r * r)), 1)[0]!;
    }
    const rows = s.map((row) => relu(this.dense(`${place}/row`, row, r)));
    const columns = Array.from({ length: r }, (_, c) => rows.map((row) => row[c]!));
    return this.dense(
      `${place}/output`,
      columns.flatMap((column) => relu(this.dense(`${place}/column`, column, r))),
      1,
    )[0]!;
  }

  private attributes(): Feature[] {
    return this.schema.item.filter(({ encoding }) => encoding !== 'numbers');
  }

  /** Embeddings of all fields, then all numbers. */
  private side(feeds: Feeds, row: number, features: readonly Feature[]): number[] {
    const ids = features.filter(({ encoding }) => encoding !== 'numbers');
    const embedded = ids.flatMap((feature) => this.embed(feeds, `${feature.owner}.${feature.name}`, row, feature));
    const numbers = features.flatMap((feature) =>
      feature.encoding !== 'numbers'
        ? []
        : [...feeds[`${feature.owner}.${feature.name}`]!.data.subarray(row * feature.width, (row + 1) * feature.width)],
    );
    return [...embedded, ...numbers];
  }

  /** One row, or the mean of several. */
  private embed(feeds: Feeds, name: string, row: number, feature: Feature): number[] {
    if (feature.encoding === 'numbers') throw new TypeError('numbers');
    const { data } = feeds[name]!;
    const { embedding } = this.options;
    const many = feature.encoding === 'ids';
    const from = many ? row * feature.maxLength : row;
    const ids = [...data.subarray(from, from + (many ? feeds[`${name}.length`]!.data[row]! : 1))];
    const table = this.values(`tables/${feature.vocabulary}`);
    return Array.from({ length: embedding }, (_, k) =>
      sum(ids.map((id) => table[id * embedding + k]! / Math.max(1, ids.length))),
    );
  }

  /** The layers of a tower and its heads, side by side. */
  private layers(place: string, input: Vector): number[] {
    const { towers, normalization, activation, userHeads, itemHeads, headWidth } = this.options;
    let h = input;
    towers.forEach((units, layer) => {
      const at = `${place}/tower/layer${layer + 1}`;
      const y = this.dense(`${at}/dense`, h, units, normalization !== 'batch');
      const normal = normalization === 'batch' ? this.batchNorm(`${at}/norm`, y) : y;
      h = activation === 'tanh' ? normal.map(Math.tanh) : relu(normal);
    });
    return this.dense(`${place}/heads`, h, (place === 'item' ? itemHeads : userHeads) * headWidth);
  }

  private dense(place: string, x: Vector, units: number, bias = true): number[] {
    const weight = this.values(`${place}/weight`);
    return Array.from({ length: units }, (_, j) =>
      x.reduce(
        (total, value, k) => total + value * weight[k * units + j]!,
        bias ? this.values(`${place}/bias`)[j]! : 0,
      ),
    );
  }

  private batchNorm(place: string, x: Vector): number[] {
    const value = (name: string, k: number) => this.values(`${place}/${name}`)[k]!;
    return x.map((one, k) => {
      const normal = (one - value('mean', k)) / Math.sqrt(value('variance', k) + 1e-5);
      return normal * value('scale', k) + value('shift', k);
    });
  }
}

/** Less is known of past items than of the item that is scored: their first field alone. */
function briefHistory(schema: Schema): Schema {
  const histories = schema.histories.map((history) => ({ ...history, features: history.features.slice(0, 1) }));
  return { ...schema, histories };
}

describe.each([
  {},
  { brief: true },
  { normalization: 'batch', activation: 'tanh' },
  { queryAsFeature: false },
  { standardized: false },
  { metaQuery: 'plain' },
  { metaQuery: 'none' },
  { itemHeads: 2 },
  { scorer: 'flattened' },
  { scorer: 'flattened', userHeads: 3, itemHeads: 1 },
  { scorer: 'sum-max' },
  { scorer: 'dot', itemHeads: 2 },
] as const)('%o', (differing) => {
  test('scores as the equations say, number by number', async () => {
    const { brief = false, ...others } = { ...SMALL, ...differing } as typeof SMALL & { brief?: boolean };
    const whole = toyDataset();
    const dataset = brief ? { ...whole, schema: briefHistory(whole.schema) } : whole;
    const model = await ToyModel.create(fit, others, dataset);
    const [requests, items] = [model.requests(4), model.items(7)];
    const plain = new PlainFit((name) => model.source.values(name), dataset.schema, fit.options.parse(others));
    const { request, item } = everyPair(rowsOf(requests), rowsOf(items));
    const expected = Array.from(request, (b, p) => plain.score(requests, b, items, item[p]!));
    expect(new Set(expected.map((value) => value.toFixed(4))).size).toBe(expected.length);
    expect(distance(await model.scores(requests, items), expected)).toBeLessThan(1e-5);
    await model.release();
  });
});
