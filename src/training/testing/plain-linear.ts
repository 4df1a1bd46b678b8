import type { Feeds } from '../../schema.js';
import { LINEAR } from './linear-model.js';
import type { PlainUpdate } from './plain-optimizers.js';

/** How a step changes one parameter. */
export interface PlainGroup {
  rate: number;
  decay: number;
}

export interface PlainOptions {
  /** A fresh optimizer for one weight. */
  optimizer(): PlainUpdate;
  clip?: number;
  groupOf(parameter: string): PlainGroup;
}

const { embedding, vector } = LINEAR;
const USERS = 'tables/user.user_id';
const ITEMS = 'tables/item.item_id';
const GENRES = 'tables/item.genres';

/**
 * `linearModel` once more, without graph, batches of distinct rows, or tensors: every pair is taken by itself, in double
 * precision, and its gradients are added into sparse maps.
 */
export class PlainLinear {
  private readonly updates = new Map<string, PlainUpdate[]>();
  private step = 0;

  constructor(
    readonly values: ReadonlyMap<string, Float64Array>,
    private readonly options: PlainOptions,
  ) {
    for (const [name, { length }] of values) this.updates.set(name, Array.from({ length }, options.optimizer));
  }

  /** One step on a batch whose feeds hold one request and one item per pair. */
  train(feeds: Feeds): { loss: number; norm: number } {
    const count = feeds['pair.label']!.data.length;
    const gradients = new Map([...this.values].map(([name, { length }]) => [name, new Float64Array(length)]));
    const touched = new Map<string, Set<number>>([USERS, ITEMS, GENRES].map((name) => [name, new Set<number>()]));
    const rows = (feed: string, from: number, size: number) =>
      Array.from(feeds[feed]!.data.subarray(from, from + size));
    let loss = 0;
    for (let p = 0; p < count; p++) {
      // Padding counts as looked up: a row that is fed is a row that is updated, even by nothing.
      const past = {
        length: feeds['history.clicks.length']!.data[p]!,
        max: feeds['history.clicks.item_id']!.shape[1]!,
      };
      const genres = { length: feeds['item.genres.length']!.data[p]!, max: feeds['item.genres']!.shape[1]! };
      const fed = {
        [USERS]: rows('user.user_id', p, 1),
        [ITEMS]: [...rows('item.item_id', p, 1), ...rows('history.clicks.item_id', p * past.max, past.max)],
        [GENRES]: rows('item.genres', p * genres.max, genres.max),
      };
      for (const [table, list] of Object.entries(fed)) for (const row of list) touched.get(table)!.add(row);
      const userRows = [
        { table: USERS, row: fed[USERS]![0]!, share: 1 },
        ...fed[ITEMS]!.slice(fed[ITEMS]!.length - past.length).map((row) => ({
          table: ITEMS,
          row,
          share: 1 / past.length,
        })),
      ];
      const itemRows = [
        { table: ITEMS, row: fed[ITEMS]![0]!, share: 1 },
        ...fed[GENRES]!.slice(0, genres.length).map((row) => ({ table: GENRES, row, share: 1 / genres.length })),
      ];
      const label = feeds['pair.label']!.data[p]!;
      const user = this.tower('user', userRows);
      const item = this.tower('item', itemRows);
      const logit = user.output.reduce((sum, u, k) => sum + u * item.output[k]!, 0);
      loss += Math.log1p(Math.exp(label > 0 ? -logit : logit)) / count;
      const slope = (1 / (1 + Math.exp(-logit)) - label) / count;
      this.backward(
        gradients,
        'user',
        userRows,
        user.input,
        item.output.map((v) => v * slope),
      );
      this.backward(
        gradients,
        'item',
        itemRows,
        item.input,
        user.output.map((u) => u * slope),
      );
    }
    const norm = Math.sqrt([...gradients.values()].flatMap((g) => [...g]).reduce((sum, g) => sum + g * g, 0));
    this.update(gradients, touched, norm);
    return { loss, norm };
  }

  private tower(side: string, rows: readonly Lookup[]): { input: number[]; output: number[] } {
    const weight = this.values.get(`${side}/out/weight`)!;
    const bias = this.values.get(`${side}/out/bias`)!;
    const input = Array.from({ length: embedding }, (_, k) =>
      rows.reduce((sum, { table, row, share }) => sum + share * this.values.get(table)![row * embedding + k]!, 0),
    );
    const output = Array.from({ length: vector }, (_, j) =>
      input.reduce((sum, x, k) => sum + x * weight[k * vector + j]!, bias[j]!),
    );
    return { input, output };
  }

  private backward(
    gradients: ReadonlyMap<string, Float64Array>,
    side: string,
    rows: readonly Lookup[],
    input: readonly number[],
    upstream: readonly number[],
  ): void {
    const weight = this.values.get(`${side}/out/weight`)!;
    upstream.forEach((g, j) => {
      gradients.get(`${side}/out/bias`)![j]! += g;
      for (let k = 0; k < embedding; k++) {
        gradients.get(`${side}/out/weight`)![k * vector + j]! += input[k]! * g;
        for (const { table, row, share } of rows) {
          gradients.get(table)![row * embedding + k]! += share * weight[k * vector + j]! * g;
        }
      }
    });
  }

  private update(
    gradients: ReadonlyMap<string, Float64Array>,
    touched: ReadonlyMap<string, Set<number>>,
    norm: number,
  ) {
    const { clip, groupOf } = this.options;
    const shrink = clip === undefined ? 1 : Math.min(1, clip / norm);
    this.step++;
    for (const [name, values] of this.values) {
      const { rate, decay } = groupOf(name);
      for (let i = 0; i < values.length; i++) {
        if (touched.get(name)?.has(Math.floor(i / embedding)) === false) continue;
        const update = this.updates.get(name)![i]!;
        values[i] = update(values[i]!, gradients.get(name)![i]! * shrink, rate, decay, this.step);
      }
    }
  }
}

interface Lookup {
  table: string;
  row: number;
  share: number;
}
