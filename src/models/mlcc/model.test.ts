import { describe, expect, test } from 'vitest';
import { graphCost } from '../../graph/cost.js';
import type { Tensor } from '../../graph/index.js';
import type { Feeds } from '../../schema.js';
import { distance } from '../../testing/compare.js';
import {
  PlainInputs,
  type PlainSide,
  plainAdd,
  plainDense,
  plainDot,
  plainRelu,
  plainScaled,
  plainSigmoid,
  type Values,
} from '../../testing/plain.js';
import { ToyModel } from '../../testing/toy-model.js';
import mlcc from './model.js';

const SMALL = { embedding: 3, heads: 2, compressed: 4, layers: [6, 5] };
const REQUESTS = 4;
const ITEMS = 5;

type Options = ReturnType<typeof mlcc.options.parse>;

const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length;
/** x·W, W row by row. */
const product = (x: readonly number[], weight: ArrayLike<number>, units: number) =>
  Array.from({ length: units }, (_, k) => x.reduce((sum, value, i) => sum + value * weight[i * units + k]!, 0));

/** The model once more from its equations, one pair at a time: nothing is split by sides. */
class PlainMlcc {
  constructor(
    private readonly values: Values,
    private readonly options: Options,
  ) {}

  score(user: PlainSide, item: PlainSide): number {
    const { values, options } = this;
    const { embedding, channels, crossing, raw, compressed, layers } = options;
    const sides = { user: this.slots('user', user), item: this.slots('item', item) };
    const X = [...sides.user, ...sides.item];
    const C: number[][] = X.map(() => []);
    for (let c = 0; c < channels; c++) {
      const part = (slot: number[]) => slot.slice(c * embedding, (c + 1) * embedding);
      const flat = X.flatMap(part);
      const C1 = (['user', 'item'] as const).flatMap((side) => [...values(`${side}/compress${c + 1}/weight`)]);
      const w = product(flat, C1, C1.length / flat.length);
      const Z = X.map((slot) => this.dynamic(part(slot), w));
      Z.forEach((outputs, s) => {
        C[s]!.push(...(crossing.length === 1 ? outputs[0]! : [...outputs[0]!, ...outputs.at(-1)!]));
      });
    }
    const counts = { user: sides.user.length, item: sides.item.length };
    const Y = X.map((slot, s) => {
      const side = s < counts.user ? 'user' : 'item';
      const at = side === 'user' ? s : s - counts.user;
      const matrix = (name: string, rows: number) =>
        values(name).slice(at * rows * compressed, (at + 1) * rows * compressed);
      const y = product(C[s]!, matrix(`score/${side}`, C[s]!.length), compressed);
      return raw ? plainAdd(y, product(slot, matrix(`${side}/local`, slot.length), compressed)) : y;
    });
    const squeezed = plainRelu(plainDense(values, 'score/squeeze', Y.map(mean)));
    const variance = mean(squeezed.map((value) => (value - mean(squeezed)) ** 2));
    const normal = squeezed.map((value) => (value - mean(squeezed)) / Math.sqrt(variance + 1e-5));
    const gate = plainSigmoid(plainDense(values, 'score/excite', normal));
    let h = Y.flatMap((y, s) => plainScaled(y, gate[s]!));
    for (let layer = 1; layer <= layers.length; layer++) {
      h = plainRelu(plainDense(values, `score/layers/layer${layer}/dense`, h));
    }
    return plainDense(values, 'score/logit', h)[0]!;
  }

  /** Outputs of every layer of the H networks whose weights are w, heads side by side. */
  private dynamic(x: number[], w: readonly number[]): number[][] {
    const { heads, crossing } = this.options;
    let start = 0;
    let perHead = Array.from({ length: heads }, () => x);
    return crossing.map((units, layer) => {
      const before = perHead[0]!.length;
      perHead = perHead.map((z, h) =>
        Array.from({ length: units }, (_, k) => {
          // The first layer's matrices of all heads stand side by side, those of later layers one after another.
          const at = (i: number) => (layer === 0 ? (i * heads + h) * units + k : (h * before + i) * units + k);
          return plainDot(
            z,
            z.map((_, i) => w[start + at(i)]!),
          );
        }),
      );
      start += heads * before * units;
      return perHead.flat();
    });
  }

  private slots(side: string, { embeddings, numbers }: PlainSide): number[][] {
    const names = { user: ['user.age', 'context.patience', 'history.clicks.price'], item: ['item.price'] }[side]!;
    return [...embeddings, ...numbers.map((x, i) => plainDense(this.values, `${side}/slots/${names[i]}`, x))];
  }
}

describe.each([{}, { channels: 2 }, { raw: false, crossing: [3] }, { crossing: [3, 2, 2], channels: 2 }])(
  '%o',
  (differing) => {
    test('scores as the equations say, number by number', async () => {
      const options = mlcc.options.parse({ ...SMALL, ...differing });
      const model = await ToyModel.create(mlcc, options);
      const values: Values = (name) => model.source.values(name);
      const plain = new PlainMlcc(values, options);
      const inputs = new PlainInputs(values, model.dataset.schema, options.channels * options.embedding);
      const [requests, items]: Feeds[] = [model.requests(REQUESTS), model.items(ITEMS)];
      const expected: number[] = [];
      for (let b = 0; b < REQUESTS; b++) {
        for (let i = 0; i < ITEMS; i++) expected.push(plain.score(inputs.user(requests!, b), inputs.item(items!, i)));
      }
      expect(distance(await model.scores(requests!, items!), expected)).toBeLessThan(1e-5);
      await model.release();
    });
  },
);

test('costs what its page says', async () => {
  const model = await ToyModel.create(mlcc, SMALL);
  const N = 10;
  const { item, score } = model.inference.parts;
  const cost = (part: Record<string, Tensor>) => graphCost(Object.values(part), { I: 1, B: 1, N });
  // E = 3, H = 2, dynamic layers 2 and 1, E₂ = 4; slots of the user 3 + 2 + 2 + 1 = 8, of the item 3.
  const [S_u, S_i] = [8, 3];
  const slots = S_u + S_i;
  const perNetwork = 2 * (3 * 2 + 2);
  expect(cost(item).multiplyAdds).toBe(2 * 3 + S_i * 3 * perNetwork + S_i * 3 * 4 + S_i * 3 * 4);
  const perCandidate = slots * (3 * 4 + 2 * 2 + 6 * 4) + 2 * slots * 6 + slots * 4 * 6 + 6 * 5 + 5;
  expect(cost(score).multiplyAdds).toBe(N * perCandidate);
});
