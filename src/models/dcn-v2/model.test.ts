import { describe, expect, test } from 'vitest';
import { graphCost, type Tensor } from '../../graph/index.js';
import { ToyModel } from '../../testing/toy-model.js';
import dcnV2 from './model.js';

const SMALL = { embedding: 3, layers: 2, towers: [5] };
/** Inputs of the toy data: three embeddings and two numbers of a request, and what the mean of its past items has; items. */
const USER = 3 * 3 + 2 + (2 * 3 + 2);
const ITEM = 2 * 3 + 2;

/** How far two users and two items are from adding up: 0 where none of them changes what another is worth. */
async function interaction(model: ToyModel): Promise<number> {
  const [a, b, c, d] = (await model.scores(model.requests(2), model.items(2))) as unknown as [
    number,
    number,
    number,
    number,
  ];
  return Math.abs(a - b - c + d);
}

describe.each(['full', 4] as const)('rank %s', (rank) => {
  test('users and items meet in the cross layers, and without them not at all', async () => {
    const model = await ToyModel.create(dcnV2, { ...SMALL, rank, towers: [] });
    expect(await interaction(model)).toBeGreaterThan(1e-2);
    for (const { name } of model.source.parameters) {
      if (/cross\/.*\/weight/.test(name)) model.source.values(name).fill(0);
    }
    expect(await interaction(model)).toBeLessThan(1e-5);
    await model.release();
  });

  test('costs what its page says', async () => {
    const model = await ToyModel.create(dcnV2, { ...SMALL, rank });
    const d = USER + ITEM;
    const cost = (part: Record<string, Tensor>, candidates: number) =>
      graphCost(Object.values(part), { I: 1, B: 1, N: candidates });
    const { score, item, user } = model.inference.parts;
    const cross = rank === 'full' ? d * d : 2 * d * rank;
    const each = 2 * cross + d * 5 + (5 + d);
    const shared = USER * (rank === 'full' ? d : rank) + USER * 5;
    expect(cost(score, 1).multiplyAdds).toBe(each);
    expect(cost(score, 1000).multiplyAdds).toBe(1000 * (each - shared) + shared);
    expect(cost(item, 1).outputBytes).toBe(4 * ITEM);
    expect(cost(user, 1).outputBytes).toBe(4 * USER);
    await model.release();
  });
});

test.each([
  ['parallel', [`score/deep/layer1/dense/weight`], USER + ITEM, 5 + USER + ITEM],
  ['stacked', [`score/deep/layer1/dense/weight`], USER + ITEM, 5],
] as const)('%s: the deep network beside the cross network or on top of it', async (structure, [deep], input, out) => {
  const model = await ToyModel.create(dcnV2, { ...SMALL, structure });
  const shape = (name: string) => model.inference.parameters.find((one) => one.name === name)!.shape;
  expect(shape(deep!)).toEqual([input, 5]);
  expect(shape('score/out/weight')).toEqual([out, 1]);
  const before = await model.scores(model.requests(3), model.items(3));
  model.source.values('score/cross/layer1/w/weight').fill(0);
  expect(await model.scores(model.requests(3), model.items(3))).not.toEqual(before);
  await model.release();
});

test('data that leaves a side empty is refused', () => {
  const feature = { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'item.id', size: 3 } as const;
  const bare = { user: [], context: [], item: [feature], histories: [] };
  const options = dcnV2.options.parse(SMALL);
  expect(() => dcnV2.create(bare, options)).toThrow('dcn-v2: the data has no user field, context field or history');
  expect(() => dcnV2.create({ ...bare, item: [] }, options)).toThrow('dcn-v2: the data has no');
});
