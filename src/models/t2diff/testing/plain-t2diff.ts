import { Random } from '../../../random.js';
import type { Feature, Feeds, Schema } from '../../../schema.js';
import type { Options } from '../options.js';

type Row = number[];
type Rows = Row[];

const plus = (a: Row, b: Row): Row => a.map((value, k) => value + b[k]!);
const minus = (a: Row, b: Row): Row => a.map((value, k) => value - b[k]!);
const scale = (a: Row, factor: number): Row => a.map((value) => value * factor);
const dot = (a: Row, b: Row): number => a.reduce((sum, value, k) => sum + value * b[k]!, 0);
const elu = (x: number): number => (x > 0 ? x : Math.exp(x) - 1);
const swish = (x: number): number => x / (1 + Math.exp(-x));
const zero = (size: number): Row => new Array<number>(size).fill(0);

/** Serving once more from the equations of the model's page: loops over numbers, one user and one item at a time. */
export class PlainT2Diff {
  private readonly features: Feature[];
  private readonly d: number;
  private readonly length: number;

  constructor(
    private readonly values: (parameter: string) => Float32Array,
    private readonly schema: Schema,
    private readonly options: Options,
  ) {
    const [past] = schema.histories;
    this.features = past!.features.filter(({ encoding }) => encoding !== 'numbers');
    this.d = options.embedding * this.features.length;
    this.length = past!.maxLength;
  }

  score(requests: Feeds, b: number, items: Feeds, i: number): number {
    return dot(this.user(requests, b), this.item(items, i));
  }

  private item(feeds: Feeds, i: number): Row {
    const x = this.embed(feeds, 'item', i);
    if (this.options.allFields) {
      for (const feature of this.schema.item) {
        if (feature.encoding === 'numbers') x.push(...this.numbers(feeds, 'item', i, feature));
      }
    }
    let h = x;
    this.options.itemTower.forEach((units, layer) => {
      h = this.dense(`item/tower/layer${layer + 1}/dense`, h, units, true).map(elu);
    });
    return this.normal('item/norm', this.dense('item/out', h, this.options.width, false).map(elu));
  }

  private user(feeds: Feeds, b: number): Row {
    const { length, d, options } = this;
    const used = feeds['history.clicks.length']!.data[b]!;
    const there = (j: number) => j >= length - used;
    const items: Rows = Array.from({ length }, (_, j) =>
      there(j) ? this.embed(feeds, 'history.clicks', b * length + j) : zero(d),
    );
    const start = length - options.session;
    const tokens = items.slice(start).map((x, j) => ({ x, there: there(start + j) }));
    const guess = this.guess(items);
    if (guess !== undefined) tokens.push({ x: guess, there: true });
    const encoded = this.transformer(
      tokens.map(({ x }) => x),
      tokens.map((token) => token.there),
    ).filter((_, j) => tokens[j]!.there);
    const current = scale(
      encoded.reduce((sum, x) => plus(sum, x), zero(d)),
      1 / Math.max(1, encoded.length),
    );

    const older = items.slice(0, start).flatMap((x, j) => {
      if (!there(j)) return [];
      const seconds = feeds['history.clicks.lag']!.data[b * length + j]!;
      return [{ x, weight: Math.exp(this.activationUnit(current, x, seconds)) }];
    });
    const total = older.reduce((sum, { weight }) => sum + weight, 0);
    const history = older.reduce((sum, { x, weight }) => plus(sum, scale(x, weight / total)), zero(d));

    if (options.fusion === 'none') return [...history, ...current];
    let h = [...history, ...current, ...(options.allFields ? this.ownFields(feeds, b) : [])];
    options.fusion.forEach((units, layer) => {
      const y = this.dense(`shared/mixedAttention/fusion/layer${layer + 1}/dense`, h, units, true);
      h = y.map((value) => Math.max(0, value));
    });
    return this.dense('shared/mixedAttention/out', h, options.width, true);
  }

  /** x̂_{n+1} */
  private guess(items: Rows): Row | undefined {
    const { options, d, length } = this;
    if (options.generator === 'none') return undefined;
    const size = options.scaled ? this.values('shared/generator/size')[0]! : 1;
    const condition = items.map((x) => scale(x, 1 / size));
    const diffuses = options.generator.endsWith('diffusion');
    const clean = diffuses
      ? this.chain(condition)
      : this.unet(
          condition.map(() => zero(d)),
          condition,
          zero(2 * d),
        );
    const end = scale(clean[length - 1]!, size);
    return options.generator === 'raw-diffusion' ? end : plus(items[length - 1]!, end);
  }

  private chain(condition: Rows): Rows {
    const { d, options } = this;
    const { steps: T, servingSteps, schedule, noiseSeed, releasedCoefficients } = options;
    const beta = (t: number) => schedule.start * Math.exp((schedule.growth * t) / T);
    const kept = (t: number): number => (t === 0 ? 1 : kept(t - 1) * (1 - beta(t)));
    const random = Random.of(noiseSeed, 't2diff');
    const noise = (): Rows => condition.map(() => zero(d).map(() => random.normal()));
    const code = (t: number) => zero(2 * d).map((_, f) => 0.01 * Math.sin(t / 2 ** f));
    const visited = servingSteps === 2 ? [T, 1] : Array.from({ length: T }, (_, i) => T - i);
    let noised = noise();
    for (let k = 0; k + 1 < visited.length; k++) {
      const [t, s] = [visited[k]!, visited[k + 1]!];
      const estimate = this.unet(noised, condition, code(t));
      let alpha = 1;
      for (let u = s + 1; u <= t; u++) alpha *= 1 - beta(u);
      const c0 = (Math.sqrt(kept(s)) * (1 - alpha)) / (1 - kept(t));
      const c1 = (Math.sqrt(releasedCoefficients ? kept(t) : alpha) * (1 - kept(s))) / (1 - kept(t));
      const variance = ((1 - kept(s)) / (1 - kept(t))) * (1 - alpha);
      const deviation = releasedCoefficients ? variance : Math.sqrt(variance);
      const fresh = noise();
      noised = noised.map((x, j) => plus(plus(scale(estimate[j]!, c0), scale(x, c1)), scale(fresh[j]!, deviation)));
    }
    return this.unet(noised, condition, code(visited.at(-1)!));
  }

  private unet(noised: Rows, condition: Rows, code: Row): Rows {
    const { d, length } = this;
    const { levels } = this.options;
    // At length 4, two levels fit the published layout, which mirrors 4 positions; three or four are padded with zeros.
    const whole = levels === 2;
    const input = (x: Rows): Rows => {
      if (whole) return [...x.slice().reverse(), ...x, ...x.slice().reverse()];
      const before = levels === 4 ? 4 : 0;
      return [...Array.from({ length: before }, () => zero(d)), ...x];
    };
    const [left, right] = [input(noised), input(condition)];
    let h = left.map((x, j) => plus([...x, ...right[j]!], code));
    const block = (name: string, x: Rows, units: number) =>
      this.convolution(`${name}/convolution`, x, units, 3, whole).map((y) =>
        this.normal(`shared/unet/${name}/norm`, y.map(swish)),
      );
    const skips: Rows[] = [];
    for (let level = 0; level < levels - 1; level++) {
      const features = block(`down${level + 1}`, h, d * 2 ** level);
      skips.push(features);
      h = features.flatMap((x, j) => (j % 2 === 0 ? [x.map((value, k) => Math.max(value, features[j + 1]![k]!))] : []));
    }
    h = block('bottom', h, d * 2 ** (levels - 1));
    for (let level = levels - 2; level >= 0; level--) {
      const twice = h.flatMap((x) => [x, x]);
      const units = d * 2 ** level;
      const wide = this.convolution(`up${level + 1}/widen`, twice, units, 1, true).map((y) => y.map(swish));
      const side = (skips[level]!.length - wide.length) / 2;
      h = block(
        `up${level + 1}`,
        wide.map((x, j) => [...x, ...skips[level]![j + side]!]),
        units,
      );
    }
    return h.slice(-length);
  }

  private convolution(name: string, x: Rows, units: number, kernel: number, whole: boolean): Rows {
    const channels = x[0]!.length;
    const weight = this.values(`shared/unet/${name}/weight`);
    const bias = this.values(`shared/unet/${name}/bias`);
    const from = whole ? 0 : -1;
    return Array.from({ length: whole ? x.length - kernel + 1 : x.length }, (_, t) =>
      Array.from({ length: units }, (_, unit) => {
        let sum = bias[unit]!;
        for (let k = 0; k < kernel; k++) {
          const row = x[t + from + k];
          if (row === undefined) continue;
          for (let c = 0; c < channels; c++) sum += row[c]! * weight[(k * channels + c) * units + unit]!;
        }
        return sum;
      }),
    );
  }

  private transformer(x: Rows, there: boolean[]): Rows {
    const { d } = this;
    const { heads, feedForward, excludeSelf } = this.options;
    const place = 'shared/mixedAttention/session';
    const project = (name: string) => x.map((row) => this.dense(`${place}/attention/${name}`, row, d, false));
    const [queries, keys, values] = [project('query'), project('key'), project('value')];
    const wide = d / heads;
    return x.map((own, i) => {
      const joined: Row = [];
      for (let head = 0; head < heads; head++) {
        const part = (row: Row) => row.slice(head * wide, (head + 1) * wide);
        const seen = x.flatMap((_, j) => (there[j] && !(excludeSelf && i === j) ? [j] : []));
        const weights = seen.map((j) => Math.exp(dot(part(queries[i]!), part(keys[j]!)) / Math.sqrt(wide)));
        const total = weights.reduce((a, b) => a + b, 0);
        const mixed = seen.reduce((sum, j, n) => plus(sum, scale(part(values[j]!), weights[n]! / total)), zero(wide));
        joined.push(...mixed);
      }
      const attended = this.dense(`${place}/attention/output`, joined, d, false);
      const first = this.normal(`${place}/attentionNorm`, plus(own, attended));
      let h = first;
      [...feedForward, d].forEach((units, layer) => {
        const name = `${place}/feedForward/layer${layer + 1}`;
        h = this.normal(`${name}/norm`, this.dense(name, h, units, false).map(elu));
      });
      return this.normal(`${place}/feedForwardNorm`, plus(first, h));
    });
  }

  private activationUnit(query: Row, x: Row, seconds: number): number {
    const { activationUnit, lagBuckets, lagWidth } = this.options;
    const place = 'shared/mixedAttention/history';
    let h = [...query, ...x, ...minus(query, x), ...query.map((value, k) => value * x[k]!)];
    if (lagBuckets > 0) {
      const bucket = Math.min(lagBuckets - 1, Math.floor(Math.log2(1 + seconds)));
      h.push(...this.values('shared/mixedAttention/lag').subarray(bucket * lagWidth, (bucket + 1) * lagWidth));
    }
    activationUnit.forEach((units, layer) => {
      const name = `${place}/layer${layer + 1}`;
      h = this.normal(`${name}/norm`, this.dense(`${name}/dense`, h, units, false)).map(elu);
    });
    return this.dense(`${place}/layer${activationUnit.length + 1}/dense`, h, 1, false)[0]!;
  }

  private ownFields(feeds: Feeds, b: number): Row {
    const all = [...this.schema.user, ...this.schema.context];
    const ids = all.filter(({ encoding }) => encoding !== 'numbers');
    const numbers = all.filter(({ encoding }) => encoding === 'numbers');
    return [
      ...ids.flatMap((feature) => this.vector(feeds, `${feature.owner}.${feature.name}`, b, feature)),
      ...numbers.flatMap((feature) => this.numbers(feeds, feature.owner, b, feature)),
    ];
  }

  private numbers(feeds: Feeds, prefix: string, row: number, feature: Feature): Row {
    if (feature.encoding !== 'numbers') throw new TypeError(feature.name);
    const { data } = feeds[`${prefix}.${feature.name}`]!;
    return Array.from(data.subarray(row * feature.width, (row + 1) * feature.width));
  }

  /** x: the fields' embeddings side by side. */
  private embed(feeds: Feeds, prefix: string, row: number): Row {
    return this.features.flatMap((feature) => this.vector(feeds, `${prefix}.${feature.name}`, row, feature));
  }

  /** The mean of the embeddings of a field's ids. */
  private vector(feeds: Feeds, name: string, row: number, feature: Feature): Row {
    if (feature.encoding === 'numbers') throw new TypeError(name);
    const { embedding } = this.options;
    const table = this.values(`tables/${feature.vocabulary}`);
    const { data } = feeds[name]!;
    const ids =
      feature.encoding === 'id'
        ? [data[row]!]
        : Array.from(
            data.subarray(row * feature.maxLength, row * feature.maxLength + feeds[`${name}.length`]!.data[row]!),
          );
    const sum = ids.reduce(
      (total, id) => plus(total, Array.from(table.subarray(id * embedding, (id + 1) * embedding))),
      zero(embedding),
    );
    return scale(sum, 1 / Math.max(1, ids.length));
  }

  private dense(place: string, x: Row, units: number, bias: boolean): Row {
    const weight = this.values(`${place}/weight`);
    const start = bias ? this.values(`${place}/bias`) : zero(units);
    return Array.from({ length: units }, (_, j) =>
      x.reduce((sum, value, k) => sum + value * weight[k * units + j]!, start[j]!),
    );
  }

  private normal(place: string, x: Row): Row {
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const [factor, shift] = [this.values(`${place}/scale`), this.values(`${place}/shift`)];
    return x.map((value, k) => ((value - mean) / Math.sqrt(variance + 1e-5)) * factor[k]! + shift[k]!);
  }
}
