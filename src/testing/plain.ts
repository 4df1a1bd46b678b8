import type { Feature, Feeds, Schema } from '../schema.js';

// What models are made of, once more in loops over numbers: it shares nothing with the engine, so that tests can compare.

/** Values of a parameter, by name. */
export type Values = (parameter: string) => Float32Array;

export const plainAdd = (a: readonly number[], b: readonly number[]): number[] => a.map((value, k) => value + b[k]!);
export const plainTimes = (a: readonly number[], b: readonly number[]): number[] => a.map((value, k) => value * b[k]!);
export const plainScaled = (a: readonly number[], factor: number): number[] => a.map((value) => value * factor);
export const plainDot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, k) => sum + value * b[k]!, 0);
export const plainRelu = (a: readonly number[]): number[] => a.map((value) => Math.max(0, value));
export const plainSigmoid = (a: readonly number[]): number[] => a.map((value) => 1 / (1 + Math.exp(-value)));

export function plainSoftmax(a: readonly number[]): number[] {
  const exponentials = a.map((value) => Math.exp(value - Math.max(...a)));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

/** x·W + b with the weights at `place`; a bias only where there is one. */
export function plainDense(values: Values, place: string, x: readonly number[], bias = true): number[] {
  const weight = values(`${place}/weight`);
  const units = weight.length / x.length;
  const from = bias ? values(`${place}/bias`) : undefined;
  return Array.from({ length: units }, (_, j) =>
    x.reduce((sum, value, k) => sum + value * weight[k * units + j]!, from?.[j] ?? 0),
  );
}

/** Layer normalisation with scale and shift. */
export function plainLayerNorm(values: Values, place: string, x: readonly number[]): number[] {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const [scale, shift] = [values(`${place}/scale`), values(`${place}/shift`)];
  return x.map((value, k) => ((value - mean) / Math.sqrt(variance + 1e-5)) * scale[k]! + shift[k]!);
}

/** Batch normalisation as served, by running statistics. */
export function plainBatchNorm(values: Values, place: string, x: readonly number[]): number[] {
  const [mean, variance] = [values(`${place}/mean`), values(`${place}/variance`)];
  const [scale, shift] = [values(`${place}/scale`), values(`${place}/shift`)];
  return x.map((value, k) => ((value - mean[k]!) / Math.sqrt(variance[k]! + 1e-5)) * scale[k]! + shift[k]!);
}

/** Σ_i max_j ⟨u_i, v_j⟩ */
export const plainMaxSim = (user: readonly number[][], item: readonly number[][]): number =>
  user.reduce((sum, u) => sum + Math.max(...item.map((v) => plainDot(u, v))), 0);

/** A vector cut into equal pieces. */
export const plainHeads = (x: readonly number[], heads: number): number[][] =>
  Array.from({ length: heads }, (_, h) => x.slice((h * x.length) / heads, ((h + 1) * x.length) / heads));

export interface PlainSide {
  embeddings: number[][];
  numbers: number[][];
}

/** What a tower sees of one row of feeds: user and context fields and pooled histories, or item fields. */
export class PlainInputs {
  constructor(
    private readonly values: Values,
    private readonly schema: Schema,
    private readonly embedding: number,
  ) {}

  item(feeds: Feeds, row: number): PlainSide {
    return this.sorted(this.schema.item.map((feature) => [feature, this.own(feeds, row, feature)]));
  }

  user(feeds: Feeds, row: number, history = true): PlainSide {
    const { user, context, histories } = this.schema;
    const all: [Feature, number[]][] = [...user, ...context].map((feature) => [feature, this.own(feeds, row, feature)]);
    for (const { name, maxLength, features } of history ? histories : []) {
      const length = feeds[`history.${name}.length`]!.data[row]!;
      for (const feature of features) {
        let sum = new Array<number>(feature.encoding === 'numbers' ? feature.width : this.embedding).fill(0);
        // The newest event stands at the last of the positions.
        for (let past = 1; past <= length; past++) {
          const at = (row + 1) * maxLength - past;
          sum = plainAdd(sum, this.vector(feeds, `history.${name}.${feature.name}`, at, feature));
        }
        all.push([feature, plainScaled(sum, 1 / Math.max(1, length))]);
      }
    }
    return this.sorted(all);
  }

  /** Every event of one history, the oldest first: its id fields, then its numbers. */
  events(feeds: Feeds, row: number, history: string): PlainSide[] {
    const { maxLength, features } = this.schema.histories.find(({ name }) => name === history)!;
    const length = feeds[`history.${history}.length`]!.data[row]!;
    return Array.from({ length }, (_, past) => {
      const at = (row + 1) * maxLength - length + past;
      return this.sorted(
        features.map((feature) => [feature, this.vector(feeds, `history.${history}.${feature.name}`, at, feature)]),
      );
    });
  }

  private sorted(all: readonly [Feature, number[]][]): PlainSide {
    const pick = (numbers: boolean) =>
      all.filter(([{ encoding }]) => (encoding === 'numbers') === numbers).map(([, vector]) => vector);
    return { embeddings: pick(false), numbers: pick(true) };
  }

  private own(feeds: Feeds, row: number, feature: Feature): number[] {
    return this.vector(feeds, `${feature.owner}.${feature.name}`, row, feature);
  }

  private vector(feeds: Feeds, name: string, row: number, feature: Feature): number[] {
    const { data } = feeds[name]!;
    if (feature.encoding === 'numbers')
      return Array.from(data.subarray(row * feature.width, (row + 1) * feature.width));
    const ids = feature.encoding === 'id' ? [data[row]!] : this.list(feeds, name, row, feature.maxLength);
    const table = this.values(`tables/${feature.vocabulary}`);
    let sum = new Array<number>(this.embedding).fill(0);
    for (const id of ids) {
      sum = plainAdd(sum, Array.from(table.subarray(id * this.embedding, (id + 1) * this.embedding)));
    }
    return plainScaled(sum, 1 / Math.max(1, ids.length));
  }

  private list(feeds: Feeds, name: string, row: number, maxLength: number): number[] {
    const length = feeds[`${name}.length`]!.data[row]!;
    return Array.from(feeds[name]!.data.subarray(row * maxLength, row * maxLength + length));
  }
}
