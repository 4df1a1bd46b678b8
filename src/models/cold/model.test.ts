import { describe, expect, test } from 'vitest';
import { graphCost } from '../../graph/index.js';
import { checkGradients } from '../../nn/testing/gradient-check.js';
import { valuesOf, x } from '../../nn/testing/run.js';
import { floats } from '../../nn/testing/values.js';
import { distance, rowsOf, takeRows } from '../../testing/compare.js';
import {
  PlainInputs,
  plainAdd,
  plainDense,
  plainDot,
  plainRelu,
  plainScaled,
  plainSigmoid,
  type Values,
} from '../../testing/plain.js';
import { ToyModel } from '../../testing/toy-model.js';
import { toyTrainer } from '../../testing/toy-training.js';
import cold from './model.js';
import { linearLog } from './network.js';

const SMALL = { embedding: 3, layers: [6, 5] };

type Options = ReturnType<typeof cold.options.parse>;

/** The model once more from its equations, for one user and one item. */
function plainScore(values: Values, o: Options, inputs: ReturnType<PlainInputs['user']>[]): number {
  const [user, item] = inputs as [ReturnType<PlainInputs['user']>, ReturnType<PlainInputs['user']>];
  const place = 'shared/cold';
  const logits = plainAdd(
    plainDense(values, 'user/gate', user.embeddings.flat()),
    plainDense(values, 'item/gate', item.embeddings.flat(), false),
  );
  const gates = o.gate ? plainSigmoid(logits) : logits.map(() => 1);
  const users = user.embeddings.length;
  const pieces: [string, number[]][] = [
    ['user', user.embeddings.flatMap((e, m) => plainScaled(e, gates[m]!))],
    ['item', item.embeddings.flatMap((e, m) => plainScaled(e, gates[users + m]!))],
    ['user-numbers', user.numbers.flat()],
    ['item-numbers', item.numbers.flat()],
  ];
  if (o.crosses) pieces.push(['crosses', item.embeddings.flatMap((v) => user.embeddings.map((u) => plainDot(u, v)))]);
  let h = Array.from(values(`${place}/layer1/bias`));
  for (const [name, piece] of pieces) h = plainAdd(h, plainDense(values, `${place}/layer1/${name}`, piece, false));
  const squash = (v: number) => (Math.abs(v) <= 1 ? v : Math.sign(v) * (Math.log(Math.abs(v)) + 1));
  const hidden = (sums: number[]) => plainRelu(o.normalization === 'linear-log' ? sums.map(squash) : sums);
  h = hidden(h);
  for (let l = 2; l <= o.layers.length; l++) h = hidden(plainDense(values, `${place}/layer${l}/dense`, h));
  return plainDense(values, `${place}/logit`, h)[0]!;
}

describe.each([{}, { crosses: false }, { normalization: 'linear-log', layers: [6] }] as const)('%o', (differing) => {
  test('pairs, and one request with many candidates, score as the equations say', async () => {
    const options = cold.options.parse({ ...SMALL, ...differing });
    const model = await ToyModel.create(cold, options);
    const values: Values = (name) => model.source.values(name);
    const plain = new PlainInputs(values, model.dataset.schema, options.embedding);
    const [requests, items] = [model.requests(4), model.items(7)];
    const expected = Array.from({ length: rowsOf(requests) }, (_, b) =>
      Array.from({ length: rowsOf(items) }, (_, i) =>
        plainScore(values, options, [plain.user(requests, b), plain.item(items, i)]),
      ),
    );
    expect(distance(await model.scores(requests, items), expected.flat())).toBeLessThan(1e-5);
    const states = await model.inference.items(items);
    for (const b of [0, 3]) {
      const user = await model.inference.users(takeRows(requests, [b]));
      expect(distance(await model.inference.score(user, states), expected[b]!)).toBeLessThan(1e-5);
    }
    await model.release();
  });
});

test('gates are what the ungated network lacks', async () => {
  const scores = async (gate: boolean, logit: number) => {
    const model = await ToyModel.create(cold, { ...SMALL, gate });
    for (const side of gate ? ['user', 'item'] : []) model.source.values(`${side}/gate/weight`).fill(0);
    if (gate) model.source.values('user/gate/bias').fill(logit);
    return model.scores(model.requests(3), model.items(4));
  };
  // A sigmoid of 30 is 1.
  expect(distance(await scores(true, 30), await scores(false, 0))).toBeLessThan(1e-5);
  expect(distance(await scores(true, 0), await scores(false, 0))).toBeGreaterThan(1e-2);
});

test('the linear logarithm is straight in the middle and joins smoothly', async () => {
  const values = floats([-(Math.E ** 2), -1, -0.5, 0, 0.25, 1, Math.E]);
  const found = await valuesOf(() => linearLog(x('x', 'B')), { x: values });
  expect(distance(found, [-3, -1, -0.5, 0, 0.25, 1, 2])).toBeLessThan(1e-6);
  await checkGradients(() => linearLog(x('x', 'B')), { x: floats([-3, -0.4, 0, 0.3, 2]) });
});

test('the mean of every gate is logged by name, and what is not selected is gone', async () => {
  const model = await ToyModel.create(cold, { ...SMALL, reportGates: true });
  const trainer = await toyTrainer(model);
  const report = await trainer.next();
  const names = Object.keys(report).filter((name) => name.startsWith('metric.gate.'));
  expect(names).toContain('metric.gate.item.genres');
  expect(names).toContain('metric.gate.history.clicks.genres');
  expect(names).toContain('metric.gate.user.topics');
  for (const name of names) expect(report[name]).toBeGreaterThan(0);
  for (const name of names) expect(report[name]).toBeLessThan(1);
  await trainer.release();

  const without = ['user.topics', 'history.clicks.genres', 'item.price'];
  const fewer = await ToyModel.create(cold, { ...SMALL, without });
  expect(fewer.inputsOf('user').some((input) => input.startsWith('user.topics'))).toBe(false);
  expect(fewer.inputsOf('item')).not.toContain('item.price');
  expect(fewer.inference.parts.item['item.gate']!.shape).toEqual(['I', names.length - 2]);
});

test('what cannot be selected, left out or reported is refused', async () => {
  const create = (options: object) => ToyModel.create(cold, { ...SMALL, ...options });
  await expect(create({ without: ['user.topic'] })).rejects.toThrow('did you mean "user.topics"?');
  const item = (await create({})).dataset.schema.item.map(({ name }) => `item.${name}`);
  await expect(create({ without: item })).rejects.toThrow('cold: no feature of the item is left');
  await expect(create({ gate: false, reportGates: true })).rejects.toThrow('cold: there are no gates to report');
});

test('costs what its page says: what belongs to the request is computed once for all candidates', async () => {
  const { inference } = await ToyModel.create(cold, SMALL);
  const { user, item } = inference.parts;
  const [Su, Sv, e] = [user['user.fields']!.shape[1] as number, item['item.fields']!.shape[1] as number, 3];
  const [nu, nv] = [user['user.numbers']!.shape[1] as number, item['item.numbers']!.shape[1] as number];
  const cost = (N: number) => graphCost(Object.values(inference.parts.score), { N }).multiplyAdds;
  const candidate = Su * Sv * e + (Su + Sv * e + Su * Sv + nv) * 6 + 6 * 5 + 5;
  expect(cost(9) - cost(8)).toBe(candidate);
  expect(cost(1) - candidate).toBe((Su * e + nu) * 6);
  expect(graphCost(Object.values(item), { I: 1 }).outputBytes).toBe(4 * (Sv * e + nv + Su + Sv));
});
