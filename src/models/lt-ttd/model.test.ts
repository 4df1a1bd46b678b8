import { describe, expect, test } from 'vitest';
import { graphCost } from '../../graph/cost.js';
import type { Tensor } from '../../graph/index.js';
import type { Feeds } from '../../schema.js';
import { distance, rowsOf } from '../../testing/compare.js';
import {
  PlainInputs,
  type PlainSide,
  plainAdd,
  plainDense,
  plainDot,
  plainLayerNorm,
  plainRelu,
  plainScaled,
  plainSoftmax,
  type Values,
} from '../../testing/plain.js';
import { rerankFeeds, rerankLogits } from '../../testing/rerank.js';
import { ToyModel } from '../../testing/toy-model.js';
import { trainingPath } from '../../testing/training-path.js';
import ltTtd from './model.js';

const SMALL = {
  embedding: 3,
  towers: [5],
  states: 4,
  width: 6,
  residual: [5, 2],
  transformer: { width: 4, layers: 2, heads: 2 },
};
const REQUESTS = 6;
const ITEMS = 7;

type Options = ReturnType<typeof ltTtd.options.parse>;

const sum = (a: readonly number[]) => a.reduce((x, y) => x + y, 0);
const flat = ({ embeddings, numbers }: PlainSide) => [...embeddings, ...numbers].flat();

/** The model once more from its equations, number by number. The input projection of a list is not split. */
class PlainLtTtd {
  private readonly inputs: PlainInputs;
  private readonly biases: PlainInputs;

  constructor(
    private readonly values: Values,
    schema: ToyModel['dataset']['schema'],
    private readonly options: Options,
  ) {
    this.inputs = new PlainInputs(values, schema, options.embedding);
    this.biases = new PlainInputs((name) => values(name.replace('tables/', 'tables/bias/')), schema, 1);
  }

  item(feeds: Feeds, row: number) {
    const x = flat(this.inputs.item(feeds, row));
    return {
      e: this.sized(plainDense(this.values, 'item/out', this.layers('item/tower', x))),
      r: this.residual('item', x),
      bias: this.options.biases ? sum(this.biases.item(feeds, row).embeddings.flat()) : 0,
    };
  }

  user(feeds: Feeds, row: number) {
    const { values } = this;
    const request = plainDense(
      values,
      'user/states/request',
      this.layers('user/states/tower', flat(this.inputs.user(feeds, row, false))),
    );
    const events = this.inputs
      .events(feeds, row, 'clicks')
      .map((event) => plainAdd(plainDense(values, 'user/states/clicks/event', flat(event), false), request));
    const h = [request, ...events].map((hidden) => plainDense(values, 'user/states/state', plainRelu(hidden)));
    const w = Array.from(values('user/pooling/score/weight'));
    const alpha = plainSoftmax(h.map((state) => plainDot(w, state)));
    return {
      e: this.sized(h.map((state, j) => plainScaled(state, alpha[j]!)).reduce(plainAdd)),
      r: this.residual('user', flat(this.inputs.user(feeds, row))),
      bias: this.options.biases ? sum(this.biases.user(feeds, row, false).embeddings.flat()) : 0,
    };
  }

  score(user: ReturnType<PlainLtTtd['user']>, item: ReturnType<PlainLtTtd['item']>): number {
    const inner = plainDot(user.e, item.e) * this.values('user/scale')[0]! + this.values('user/level')[0]!;
    return inner + user.bias + item.bias;
  }

  rerank(user: ReturnType<PlainLtTtd['user']>, items: ReturnType<PlainLtTtd['item']>[]): number[] {
    const scores = items.map((item) => this.score(user, item));
    const units = this.options.transformer.width;
    const weight = [
      ...this.values('user/token/weight'),
      ...this.values('item/token/weight'),
      ...this.values('shared/listwise/score/weight'),
    ];
    const bias = this.values('user/token/bias');
    let u = items.map((item, j) => {
      const x = [...user.e, ...user.r, ...item.e, ...item.r, scores[j]!];
      expect(weight.length).toBe(x.length * units);
      return Array.from({ length: units }, (_, k) => sum(x.map((v, i) => v * weight[i * units + k]!)) + bias[k]!);
    });
    for (let layer = 1; layer <= this.options.transformer.layers; layer++) {
      u = this.transformer(`shared/listwise/layer${layer}`, u);
    }
    const [head, gamma] = [this.values('shared/listwise/head/weight'), this.values('shared/listwise/gamma')[0]!];
    return u.map(
      (z, j) => plainDot(Array.from(head), plainLayerNorm(this.values, 'shared/listwise/norm', z)) + gamma * scores[j]!,
    );
  }

  private transformer(place: string, u: number[][]): number[][] {
    const { values, options } = this;
    const { heads, width } = options.transformer;
    const size = width / heads;
    const normal = u.map((x) => plainLayerNorm(values, `${place}/attentionNorm`, x));
    const project = (part: string) => normal.map((x) => plainDense(values, `${place}/attention/${part}`, x));
    const [Q, K, V] = [project('query'), project('key'), project('value')];
    const attended = u.map((x, i) => {
      const found = Array.from({ length: heads }, (_, h) => {
        const part = (vector: number[]) => vector.slice(h * size, (h + 1) * size);
        const shares = plainSoftmax(K.map((key) => plainDot(part(Q[i]!), part(key)) / Math.sqrt(size)));
        return V.map((value, j) => plainScaled(part(value), shares[j]!)).reduce(plainAdd);
      }).flat();
      return plainAdd(x, plainDense(values, `${place}/attention/output`, found));
    });
    return attended.map((x) => {
      const hidden = plainDense(
        values,
        `${place}/feedForward/hidden`,
        plainLayerNorm(values, `${place}/feedForwardNorm`, x),
      );
      return plainAdd(x, plainDense(values, `${place}/feedForward/output`, hidden.map(gelu)));
    });
  }

  private residual(side: string, x: number[]): number[] {
    const hidden = plainRelu(plainDense(this.values, `${side}/residual/layer1/dense`, x));
    return plainDense(this.values, `${side}/residual/layer2/dense`, hidden);
  }

  private layers(place: string, x: number[]): number[] {
    return this.options.towers.reduce(
      (h, _, layer) => plainRelu(plainDense(this.values, `${place}/layer${layer + 1}/dense`, h)),
      x,
    );
  }

  private sized(e: number[]): number[] {
    return this.options.normalize ? plainScaled(e, 1 / Math.sqrt(plainDot(e, e))) : e;
  }
}

/** x·Φ(x), with the series of the error function. */
function gelu(x: number): number {
  const z = x * Math.SQRT1_2;
  let term = z;
  let erf = 0;
  for (let n = 0; n < 200; n++) {
    erf += term / (2 * n + 1);
    term *= -(z * z) / (n + 1);
  }
  return x * (0.5 + erf / Math.sqrt(Math.PI));
}

describe.each([{}, { normalize: true, biases: false }, { towers: [5, 4], separate: true }])('%o', (differing) => {
  test('scores and re-ranks as the equations say, number by number', async () => {
    const options = ltTtd.options.parse({ ...SMALL, ...differing });
    const model = await ToyModel.create(ltTtd, options);
    const plain = new PlainLtTtd((name) => model.source.values(name), model.dataset.schema, options);
    const [requests, items] = [model.requests(REQUESTS), model.items(ITEMS)];
    const users = Array.from({ length: rowsOf(requests) }, (_, b) => plain.user(requests, b));
    const candidates = Array.from({ length: rowsOf(items) }, (_, i) => plain.item(items, i));
    const scores = users.flatMap((user) => candidates.map((item) => plain.score(user, item)));
    expect(distance(await model.scores(requests, items), scores)).toBeLessThan(1e-5);
    const reranked = await rerankLogits(model, await rerankFeeds(model, REQUESTS, ITEMS));
    users.forEach((user, b) => {
      expect(distance(reranked[b]!, plain.rerank(user, candidates))).toBeLessThan(1e-5);
    });
    await model.release();
  });
});

test('before training, lists are ranked as the towers rank them', async () => {
  const model = await ToyModel.create(ltTtd, SMALL);
  for (const name of ['shared/listwise/head/weight', 'shared/listwise/gamma']) {
    const { shape, initialize } = model.inference.parameters.find((parameter) => parameter.name === name)!;
    model.source.values(name).set(initialize(shape, undefined as never));
  }
  const lists = await rerankFeeds(model, 3, ITEMS);
  expect((await rerankLogits(model, lists)).flat()).toEqual([...lists.feeds.scores!.data]);
  await model.release();
});

describe('what a loss teaches', () => {
  const TOWERS = [
    'item/out/weight',
    'item/tower/layer1/dense/weight',
    'user/pooling/score/weight',
    'tables/item.item_id',
  ];
  const LIST = [
    'shared/listwise/head/weight',
    'shared/listwise/score/weight',
    'item/token/weight',
    'user/residual/layer1/dense/weight',
  ];

  async function taught(loss: string, differing: object): Promise<string[]> {
    const model = await ToyModel.create(ltTtd, { ...SMALL, ...differing });
    const { outputs, taught } = trainingPath(model);
    return taught(outputs.losses![loss]!);
  }
  test.each([
    { loss: 'retrieval', differing: {}, towers: true, list: false },
    { loss: 'ranking', differing: {}, towers: true, list: true },
    { loss: 'distillation', differing: {}, towers: true, list: true },
    { loss: 'ranking', differing: { separate: true }, towers: false, list: true },
    { loss: 'distillation', differing: { separate: true, eta: 0 }, towers: true, list: false },
  ])('$loss with $differing: towers $towers, transformer $list', async ({ loss, differing, towers, list }) => {
    const names = await taught(loss, differing);
    for (const name of TOWERS) expect(names.includes(name), name).toBe(towers);
    for (const name of LIST) expect(names.includes(name), name).toBe(list);
  });
});

test('two towers alone have no transformer', async () => {
  const model = await ToyModel.create(ltTtd, { ...SMALL, weights: { ranking: 0, distillation: 0 } });
  expect(model.parts.rerank).toBeUndefined();
  expect(Object.keys(model.inference.parts.item)).toEqual(['item.key']);
  expect(model.inference.parameters.filter(({ name }) => /listwise|residual|token/.test(name))).toEqual([]);
  expect(Object.keys(trainingPath(model).outputs.losses!)).toEqual(['retrieval']);
});

test('retrieval and ranking may weigh themselves', async () => {
  const model = await ToyModel.create(ltTtd, { ...SMALL, uncertainty: true });
  const { outputs, taught } = trainingPath(model);
  const learned = (loss: string) => taught(outputs.losses![loss]!).filter((name) => name.includes('uncertainty'));
  expect(learned('retrieval')).toEqual(['uncertainty/retrieval']);
  expect(learned('ranking')).toEqual(['uncertainty/ranking']);
  expect(learned('distillation')).toEqual([]);
});

test.each([
  [{ lists: { size: 4, hard: 4 } }, '4 hard candidates leave no room among 4'],
  [{ lists: { hard: 4, pool: 3 } }, 'a pool of 3 cannot give 4 candidates'],
  [{ transformer: { width: 6, heads: 4 } }, 'a width of 6 does not divide into 4 heads'],
])('%o is refused', async (options, message) => {
  await expect(ToyModel.create(ltTtd, options)).rejects.toThrow(message);
});

test('costs what its page says', async () => {
  const model = await ToyModel.create(ltTtd, SMALL);
  const { item, score, rerank } = model.inference.parts;
  const N = 10;
  const cost = (part: Record<string, Tensor>) => graphCost(Object.values(part), { I: 1, B: 1, N });
  // Items: two embeddings and two numbers; d = 6, d_r = 2, d_m = 4.
  const x = 2 * 3 + 2;
  expect(cost(item).multiplyAdds).toBe(x * 5 + 5 * 6 + (x * 5 + 5 * 2) + (6 + 2) * 4);
  expect(cost(item).outputBytes).toBe(4 * (6 + 1 + 4));
  expect(cost(score).flops).toBeLessThanOrEqual(N * 2 * (6 + 2));
  const layer = N * 12 * 4 * 4 + 2 * N * N * 4;
  expect(cost(rerank!).multiplyAdds).toBe(2 * layer + N * 4 + N * 4);
});
