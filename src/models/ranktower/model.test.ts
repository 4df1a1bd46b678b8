import { describe, expect, test } from 'vitest';
import { Build, gradients, graphCost, inScope, reachable, reduceSum } from '../../graph/index.js';
import type { Feeds } from '../../schema.js';
import { distance, rowsOf, takeRows } from '../../testing/compare.js';
import {
  PlainInputs,
  type PlainSide,
  plainAdd,
  plainDense,
  plainDot,
  plainHeads,
  plainLayerNorm,
  plainMaxSim,
  plainRelu,
  plainScaled,
  plainSigmoid,
  plainSoftmax,
  plainTimes,
  type Values,
} from '../../testing/plain.js';
import { ToyModel } from '../../testing/toy-model.js';
import { itemInputs, userInputs } from '../inputs.js';
import ranktower from './model.js';

const SMALL = { embedding: 3, trunk: [6, 5], heads: 3, width: 4, gateReduction: 4 };

type Options = ReturnType<typeof ranktower.options.parse>;

/** The model once more from its equations, one user and one item at a time: the output projection is not folded into anything. */
class PlainRankTower {
  constructor(
    private readonly values: Values,
    private readonly options: Options,
  ) {}

  score(userSide: PlainSide, itemSide: PlainSide): number {
    const { crossAttention, heads, temperature } = this.options;
    const [user, item] = [this.heads('user', userSide), this.heads('item', itemSide)];
    const [U, V] = [user.heads, item.heads];
    const userAttentive = ['both', 'user'].includes(crossAttention) ? this.attend('user', U, 'item', V) : U;
    const itemAttentive = ['both', 'item'].includes(crossAttention) ? this.attend('item', V, 'user', U) : V;
    const similarity = plainMaxSim(userAttentive.map(unit), itemAttentive.map(unit));
    return similarity / heads / temperature + plainDense(this.values, 'user/level', user.hidden)[0]!;
  }

  private heads(side: string, { embeddings, numbers }: PlainSide) {
    const { trunk, gate, heads } = this.options;
    const x = [...embeddings, ...numbers].flat();
    const hidden = trunk.reduce<number[]>(
      (h, _, layer) => plainRelu(plainDense(this.values, `${side}/trunk/layer${layer + 1}/dense`, h)),
      x,
    );
    const features = plainDense(this.values, `${side}/heads`, hidden);
    if (!gate) return { hidden, heads: plainHeads(features, heads) };
    const bottleneck = plainRelu(plainDense(this.values, `${side}/gate/hidden`, x));
    const factors = plainSigmoid(plainDense(this.values, `${side}/gate/gate`, bottleneck));
    return { hidden, heads: plainHeads(plainTimes(features, plainScaled(factors, 2)), heads) };
  }

  /** LayerNorm(own + G ⊙ concat_h[softmax(Q_h K_hᵀ / √(d/nₐ)) V_h] W_O) */
  private attend(side: string, own: number[][], otherSide: string, other: number[][]): number[][] {
    const { attentionHeads, attentionGate, width } = this.options;
    const project = (place: string, heads: number[][]) =>
      heads.map((head) => plainHeads(plainDense(this.values, `${place}`, head, false), attentionHeads));
    const queries = project(`${side}/attention/query`, own);
    const keys = project(`${otherSide}/attention/key`, other);
    const values = project(`${otherSide}/attention/value`, other);
    return own.map((head, i) => {
      const found = Array.from({ length: attentionHeads }, (_, h) => {
        const scores = keys.map((key) => plainDot(queries[i]![h]!, key[h]!) / Math.sqrt(width / attentionHeads));
        return plainSoftmax(scores)
          .map((share, j) => plainScaled(values[j]![h]!, share))
          .reduce(plainAdd);
      }).flat();
      const attention = plainDense(this.values, `${otherSide}/attention/output`, found, false);
      const gate = attentionGate ? plainSigmoid(plainDense(this.values, `${side}/attention/gate`, head)) : undefined;
      const passed = gate === undefined ? attention : plainTimes(gate, attention);
      return plainLayerNorm(this.values, `score/${side}/norm`, plainAdd(head, passed));
    });
  }
}

const unit = (x: readonly number[]): number[] => plainScaled(x, 1 / Math.sqrt(plainDot(x, x) + 1e-12));

describe.each([
  {},
  { attentionHeads: 2 },
  { crossAttention: 'user', attentionHeads: 4, trunk: [] },
  { crossAttention: 'item', heads: 1 },
  { crossAttention: 'none' },
  { gate: false, attentionGate: false, history: false },
] as const)('%o', (differing) => {
  test('scores as the equations say, number by number, and one request as many pairs', async () => {
    const options = ranktower.options.parse({ ...SMALL, ...differing });
    const model = await ToyModel.create(ranktower, options);
    const values: Values = (name) => model.source.values(name);
    const plain = new PlainRankTower(values, options);
    const inputs = new PlainInputs(values, model.dataset.schema, options.embedding);
    const [requests, items] = [model.requests(6), model.items(9)];
    const expected: number[][] = [];
    for (let b = 0; b < rowsOf(requests); b++) {
      const user = inputs.user(requests, b, options.history);
      expected.push(Array.from({ length: rowsOf(items) }, (_, i) => plain.score(user, inputs.item(items, i))));
    }
    expect(distance(await model.scores(requests, items), expected.flat())).toBeLessThan(1e-5);
    const states = await model.inference.items(items);
    for (const b of [0, 5]) {
      const one = await model.inference.users(takeRows(requests, [b]));
      expect(distance(await model.inference.score(one, states), expected[b]!)).toBeLessThan(1e-5);
    }
    await model.release();
  });
});

/** Two sides' states and the scores of the first request. */
async function scored(options: object, change: (model: ToyModel) => void = () => {}) {
  const model = await ToyModel.create(ranktower, { ...SMALL, ...options });
  change(model);
  const users = await model.inference.users(takeRows(model.requests(3), [2]));
  const items = await model.inference.items(model.items(9));
  return { model, users, items, scores: await model.inference.score(users, items) };
}

/** The heads of a state in another order: every tensor of [rows, K, …]. */
function permuteHeads(state: Feeds, order: readonly number[]): Feeds {
  const entries = Object.entries(state).map(([name, { data, shape }]) => {
    if (shape.length < 3) return [name, { data, shape }];
    const size = shape.at(-1)!;
    const heads = shape.at(-2)!;
    const moved = data.map((_, at) => {
      const [row, head, k] = [Math.floor(at / size / heads), Math.floor(at / size) % heads, at % size];
      return data[(row * heads + order[head]!) * size + k]!;
    });
    return [name, { data: moved, shape }];
  });
  return Object.fromEntries(entries);
}

test.each([{}, { attentionHeads: 2 }])('the order of the heads of either side does not matter: %o', async (options) => {
  const { model, users, items, scores } = await scored(options);
  const order = [2, 0, 1];
  expect(distance(await model.inference.score(permuteHeads(users, order), items), scores)).toBeLessThan(1e-5);
  expect(distance(await model.inference.score(users, permuteHeads(items, order)), scores)).toBeLessThan(1e-5);
  await model.release();
});

test('without an output projection the similarity is that of the normalised heads', async () => {
  const { model, users, items, scores } = await scored({}, ({ source }) => {
    for (const side of ['user', 'item']) source.values(`${side}/attention/output/weight`).fill(0);
  });
  const headsOf = (state: Feeds, side: string, row: number) => {
    const { data, shape } = state[`${side}.heads`]!;
    const size = shape[1]! * shape[2]!;
    const heads = plainHeads(Array.from(data.subarray(row * size, (row + 1) * size)), shape[1]!);
    return heads.map((head) => unit(plainLayerNorm((name) => model.source.values(name), `score/${side}/norm`, head)));
  };
  const level = users['user.level']!.data[0]!;
  const expected = Array.from(
    scores,
    (_, i) => plainMaxSim(headsOf(users, 'user', 0), headsOf(items, 'item', i)) / 3 / 0.1 + level,
  );
  expect(distance(scores, expected)).toBeLessThan(1e-5);
  await model.release();
});

test('the score of two rows of heads that agree is 1/T₀ and the level', async () => {
  const { model, users, items } = await scored({ crossAttention: 'none' });
  const same = { ...takeRows(items, [0]), 'item.heads': users['user.heads']! };
  const [score] = await model.inference.score(users, same);
  expect(score! - users['user.level']!.data[0]!).toBeCloseTo(1 / 0.1, 4);
  await model.release();
});

test('the multi-head gate teaches nothing to the embeddings', async () => {
  const { model } = await scored({});
  const build = new Build(true);
  build.run(() => {
    const { schema } = model.dataset;
    for (const [side, state] of [
      ['user', inScope('user', () => model.parts.user(userInputs(schema, 'B')))],
      ['item', inScope('item', () => model.parts.item(itemInputs(schema, 'I')))],
    ] as const) {
      const nodes = reachable([state.heads!]);
      const gate = nodes.find(({ op, scope }) => op.name === 'sigmoid' && scope === `${side}/gate`)!;
      const tables = nodes.filter(({ op }) => op.name === 'tableRows');
      expect(tables.length).toBeGreaterThan(0);
      // The gate reads what was looked up, but no gradient comes back; through the features one does.
      expect(reachable([gate]).some(({ op }) => op.name === 'tableRows')).toBe(true);
      expect(gradients(reduceSum(gate), tables)).toEqual(tables.map(() => undefined));
      expect(gradients(reduceSum(state.heads!), tables)).not.toContain(undefined);
    }
  });
  await model.release();
});

test.each([
  // Attended to and attending: heads, gate and as many folded values as attention heads.
  [{}, 3],
  [{ attentionGate: false }, 2],
  [{ crossAttention: 'user' }, 2],
  [{ crossAttention: 'item' }, 2],
  // The user's side does not carry the projections of several attention heads: query and key are stored, too.
  [{ attentionHeads: 2 }, 6],
  [{ crossAttention: 'none' }, 1],
])('%o stores %i times K·d numbers of an item', async (options, times) => {
  const model = await ToyModel.create(ranktower, { ...SMALL, ...options });
  const cost = graphCost(Object.values(model.inference.parts.item), { I: 1 });
  expect(cost.outputBytes).toBe(4 * times * SMALL.heads * SMALL.width);
});

test('costs what its page says', async () => {
  const [K, d] = [SMALL.heads, SMALL.width];
  const cost = async (attentionHeads: number) => {
    const { inference } = await ToyModel.create(ranktower, { ...SMALL, attentionHeads });
    return graphCost(Object.values(inference.parts.score), { N: 7 }).multiplyAdds;
  };
  // Two directions of scores and of weighted values, and the cosines; no output projection is left.
  expect(await cost(1)).toBe(7 * (2 * K * K * d + 2 * K * K * d + K * K * d));
  expect(await cost(2)).toBe(7 * (2 * K * K * d + 2 * 2 * K * K * d + K * K * d));
});

test('attention heads that do not divide the width are refused', async () => {
  await expect(ToyModel.create(ranktower, { ...SMALL, attentionHeads: 3 })).rejects.toThrow(
    'ranktower: a width of 4 does not divide into 3 attention heads',
  );
});
