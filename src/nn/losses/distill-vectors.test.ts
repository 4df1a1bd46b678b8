import { expect, test } from 'vitest';
import { input } from '../../graph/index.js';
import { checkGradients } from '../testing/gradient-check.js';
import { run, valuesOf, x } from '../testing/run.js';
import { floats, uneven } from '../testing/values.js';
import distill from './distill-vectors.js';
import type { LossContext } from './loss.js';

const rows = () => input('rows', ['P'], 'int32');
const context = (given: Partial<LossContext> = {}): LossContext => ({
  logits: x('logits', 'P'),
  label: x('label', 'P'),
  weight: x('weight', 'P'),
  request: rows(),
  itemRow: rows(),
  states: { item: { key: x('key', 'I', 2), heads: x('heads', 'I', 2, 2) }, user: { query: x('query', 'B', 2) } },
  retrieval: { item: 'key', user: 'query' },
  vectors: { item: x('item', 'I', 2), user: x('user', 'B', 3) },
  ...given,
});
const loss = (options: object) => distill.build(context(), distill.options.parse(options));

test('the cosine of what is projected, over the vectors that are there', async () => {
  // The projection exchanges the two numbers: (2, 0) becomes (0, 2), at 45° to the teacher; the second is opposite.
  const feeds = {
    key: floats([
      [2, 0],
      [0, 1],
      [5, 5],
    ]),
    item: floats([
      [3, 3],
      [-1, 0],
      [0, 0],
    ]),
  };
  const parameters = { 'item projection/weight': [0, 1, 1, 0] };
  const [value] = await valuesOf(() => loss({}), feeds, { training: true, parameters });
  expect(value).toBeCloseTo((1 - Math.SQRT1_2 + 2) / 2, 5);
});

test('squared differences, of a state by name whatever its shape', async () => {
  // Both heads of the first item are summed: (1, 2) + (3, 4), and 1 is added to the first number.
  const feeds = {
    heads: floats([
      [
        [1, 2],
        [3, 4],
      ],
    ]),
    item: floats([[5, 4]]),
  };
  const parameters = { 'item projection/weight': [1, 0, 0, 1, 1, 0, 0, 1], 'item projection/bias': [1, 0] };
  const options = { state: 'heads', distance: 'squared' };
  expect((await valuesOf(() => loss(options), feeds, { training: true, parameters }))[0]).toBeCloseTo((0 + 4) / 2, 5);
});

test('gradients reach state and projection, not the teacher', async () => {
  const feeds = { query: uneven([4, 2]), user: uneven([4, 3], 2) };
  const { loss: value } = await run(() => ({ loss: loss({ side: 'user' }) }), feeds, { training: true });
  expect(value.values[0]).toBeGreaterThan(0);
  const wrt = ['query', 'user projection/weight'];
  await checkGradients(() => loss({ side: 'user' }), feeds, { training: true, wrt });
  await checkGradients(() => loss({ side: 'user', distance: 'squared' }), feeds, { training: true, wrt });
});

test('states and vectors that are not there are errors', () => {
  const build = (given: Partial<LossContext>, options: object = {}) =>
    distill.build(context(given), distill.options.parse(options));
  expect(() => build({}, { state: 'kei' })).toThrow('has no state "kei" on the item side\n  did you mean "key"?');
  expect(() => build({ vectors: {} })).toThrow(
    'the teacher has no vectors of the item side\n  Name a state of its model',
  );
  const { retrieval, ...without } = context();
  expect(() => distill.build(without, distill.options.parse({}))).toThrow('Name a state: key, heads.');
});
