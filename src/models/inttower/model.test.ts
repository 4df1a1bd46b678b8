import { describe, expect, test } from 'vitest';
import { graphCost } from '../../graph/index.js';
import type { Feeds } from '../../schema.js';
import { distance, rowsOf } from '../../testing/compare.js';
import {
  PlainInputs,
  type PlainSide,
  plainAdd,
  plainBatchNorm,
  plainDense,
  plainHeads,
  plainLayerNorm,
  plainMaxSim,
  plainRelu,
  plainScaled,
  plainSoftmax,
  type Values,
} from '../../testing/plain.js';
import { ToyModel } from '../../testing/toy-model.js';
import { toyTrainer } from '../../testing/toy-training.js';
import inttower from './model.js';

const SMALL = { embedding: 3, towers: [6, 5, 4], heads: 2, width: 3 };

type Options = ReturnType<typeof inttower.options.parse>;

/** The model once more from its equations, one user and one item at a time. */
class PlainIntTower {
  constructor(
    private readonly values: Values,
    private readonly options: Options,
  ) {}

  score(userSide: PlainSide, itemSide: PlainSide): number {
    const { towers, banksFrom, banks, heads, scale } = this.options;
    const last = this.layers('item', this.input('item', itemSide)).at(-1)!;
    const factor = scale ? this.values('item/scale')[0]! : 1;
    const item = plainHeads(plainScaled(this.dense('item/heads', last), factor), heads);
    const x = this.input('user', userSide);
    const sources =
      banksFrom === 'outputs' ? this.layers('user', x) : [x, ...this.layers('user', x, towers.length - 1)];
    let sum = 0;
    sources.forEach((u, l) => {
      if (banks === 'last' && l < sources.length - 1) return;
      sum += plainMaxSim(plainHeads(this.dense(`user/heads${l + 1}`, u), heads), item);
    });
    return sum + this.values('user/level')[0]!;
  }

  private dense = (place: string, x: readonly number[]) => plainDense(this.values, place, x);

  /** Light-SE: E + softmax(W·mean(E)) ⊙ E. */
  private input(side: string, { embeddings, numbers }: PlainSide): number[] {
    if (!this.options.lightSe) return [...embeddings, ...numbers].flat();
    const means = embeddings.map((e) => e.reduce((a, b) => a + b, 0) / e.length);
    const shares = plainSoftmax(plainDense(this.values, `${side}/light-se/gate`, means, false));
    const weighted = embeddings.map((e, s) => plainAdd(e, plainScaled(e, shares[s]!)));
    return [...weighted, ...numbers].flat();
  }

  private layers(side: string, x: readonly number[], count = this.options.towers.length): number[][] {
    const { normalization } = this.options;
    const outputs: number[][] = [];
    for (let l = 1; l <= count; l++) {
      const place = `${side}/tower/layer${l}`;
      let y = plainDense(this.values, `${place}/dense`, outputs.at(-1) ?? x, normalization !== 'batch');
      if (normalization === 'batch') y = plainBatchNorm(this.values, `${place}/norm`, y);
      if (normalization === 'layer') y = plainLayerNorm(this.values, `${place}/norm`, y);
      outputs.push(plainRelu(y));
    }
    return outputs;
  }
}

async function plainScores(model: ToyModel, options: Options, requests: Feeds, items: Feeds): Promise<number[]> {
  const values: Values = (name) => model.source.values(name);
  const plain = new PlainIntTower(values, options);
  const inputs = new PlainInputs(values, model.dataset.schema, options.embedding);
  const expected: number[] = [];
  for (let b = 0; b < rowsOf(requests); b++) {
    for (let i = 0; i < rowsOf(items); i++) {
      expected.push(plain.score(inputs.user(requests, b, options.history), inputs.item(items, i)));
    }
  }
  return expected;
}

describe.each([
  {},
  { normalization: 'layer', heads: 1 },
  { normalization: 'none', heads: 3, scale: false },
  { lightSe: false, towers: [4] },
  { banksFrom: 'inputs' },
  { banks: 'last', history: false },
] as const)('%o', (differing) => {
  test('scores as the equations say, number by number', async () => {
    const options = inttower.options.parse({ ...SMALL, ...differing });
    const model = await ToyModel.create(inttower, options);
    const [requests, items] = [model.requests(6), model.items(9)];
    expect(
      distance(await model.scores(requests, items), await plainScores(model, options, requests, items)),
    ).toBeLessThan(1e-5);
    await model.release();
  });
});

test('banks that read the layers’ inputs leave the last layer of the user tower out', async () => {
  const names = async (options: object) => {
    const { inference } = await ToyModel.create(inttower, { ...SMALL, ...options });
    return inference.parameters.map(({ name }) => name).filter((name) => name.startsWith('user/tower/layer3'));
  };
  expect(await names({})).not.toEqual([]);
  expect(await names({ banksFrom: 'inputs' })).toEqual([]);
});

describe('the contrastive regulariser', () => {
  const reports = async (temperature: number, steps: number) => {
    const contrastive = { weight: 0.5, temperature };
    const model = await ToyModel.create(inttower, { ...SMALL, normalization: 'none', dropout: 0, contrastive });
    const trainer = await toyTrainer(model);
    const found = [];
    for (let i = 0; i < steps; i++) found.push(await trainer.next());
    await trainer.release();
    await model.release();
    return found;
  };

  test('is the logarithm of the number of items of the batch where all similarities count as equal', async () => {
    const [report] = await reports(1e6, 1);
    const items = Math.exp(report!['loss.cir']! / 0.5);
    expect(items).toBeGreaterThan(10);
    expect(items).toBeLessThan(18.01);
    expect(items).toBeCloseTo(Math.round(items), 3);
    expect(report!.loss).toBeCloseTo(report!['loss.bce']! + report!['loss.cir']!, 5);
  });

  test('draws users to the items that they clicked', async () => {
    const found = (await reports(0.2, 60)).map((report) => report['loss.cir']!);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(found.slice(-10))).toBeLessThan(0.95 * mean(found.slice(0, 10)));
  });
});

test('costs what its page says', async () => {
  const model = await ToyModel.create(inttower, SMALL);
  const { item, user, score } = model.inference.parts;
  const sizes = { I: 1, B: 1, N: 1 };
  const [L, H, d] = [3, 2, 3];
  expect(graphCost(Object.values(score), sizes).multiplyAdds).toBe(L * H * H * d);
  expect(graphCost(Object.values(item), sizes).outputBytes).toBe(4 * H * d);
  const tower = (fields: number, numbers: number) => fields ** 2 + (3 * fields + numbers) * 6 + 6 * 5 + 5 * 4;
  expect(graphCost(Object.values(item), sizes).multiplyAdds).toBe(tower(2, 2) + 4 * H * d);
  // Five ids and four numbers of the user, the context and past items; the means over the history are products, too.
  // Of seven genres it is counted how often each occurs.
  const history = 4 * (3 + 2) + 7 * 3;
  expect(graphCost(Object.values(user), sizes).multiplyAdds).toBe(tower(5, 4) + (6 + 5 + 4) * H * d + history);
});
