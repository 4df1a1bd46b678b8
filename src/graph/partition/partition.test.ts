import { expect, test } from 'vitest';
import {
  add,
  apply,
  argMax,
  constant,
  cumulativeSum,
  gather,
  input,
  inScope,
  matMul,
  multiply,
  putBack,
  reduceMean,
  reduceSum,
  relu,
  repeatUsed,
  reshape,
  scatterSumOp,
  square,
  subtract,
  type Tensor,
  takeUsed,
  used,
} from '../index.js';
import { partition } from './partition.js';
import { cutAtExchanges } from './segments.js';

const options = { local: new Set(['pair.request']), owned: new Set<string>() };
const x = input('x', ['B', 3]);

/** The exchanges between the pieces of a graph, and the places that are computed whole. */
function exchanged(outputs: Record<string, Tensor>): { kinds: string[][]; repeated: string[] } {
  const { outputs: shared, repeated } = partition(outputs, options);
  const { segments } = cutAtExchanges('test', shared);
  return { kinds: segments.map(({ exchanges }) => exchanges.map(({ kind }) => kind)), repeated };
}

test('what lies with its rows needs nobody else', () => {
  const weight = constant([1, 2, 3], [3, 1]);
  const mean = exchanged({ y: reduceSum(matMul(relu(x), weight)) });
  // One sum, at the end.
  expect(mean).toEqual({ kinds: [['sum']], repeated: [] });
});

test('addends stay addends as long as what is done is linear', () => {
  const total = reduceSum(x, 0);
  const linear = multiply(add(total, subtract(total, constant([1, 2, 3], [3]))), 5);
  expect(exchanged({ y: reduceSum(linear) }).kinds).toEqual([['sum']]);
  expect(exchanged({ y: reduceSum(square(linear)) }).kinds).toEqual([['sum'], []]);
});

test('addends of rows are added up before they are multiplied, and each rank goes on with its own', () => {
  const items = matMul(input('items', ['I', 3]), constant([1, 2, 3], [3, 1]));
  const rows = matMul(x, constant([1, 2, 3], [3, 1]));
  const addends = apply(scatterSumOp, [rows, input('item', ['B'], 'int32'), items]);
  const { outputs } = partition({ y: reduceSum(matMul(addends, constant([1, 2], [1, 2]))) }, options);
  const { segments } = cutAtExchanges('test', outputs);
  // The items are gathered only to say how many there are.
  expect(segments.map(({ exchanges }) => exchanges.map(({ kind }) => kind))).toEqual([['gather'], ['sum'], ['sum']]);
  expect(segments[2]!.compiled.inputs).toContainEqual({ name: 'ranks.own.I', dtype: 'int32', shape: ['I'] });
});

test('used positions of lists are taken, repeated and put back at home', () => {
  const events = used(input('mask', ['B', 4], 'bool'));
  const each = multiply(takeUsed(input('lists', ['B', 4, 3]), events), repeatUsed(x, events, 'list'));
  const placed = multiply(each, repeatUsed(input('position', [4, 3]), events, 'position'));
  expect(exchanged({ y: reduceSum(putBack(relu(placed), events)) })).toEqual({ kinds: [['sum']], repeated: [] });
  // How many there are on all ranks nobody knows.
  expect(() => partition({ y: reduceMean(each, 0) }, options)).toThrow('cannot be computed by several ranks');
});

test('a mean is one over the rows of all ranks, whose number is fed', () => {
  const { outputs } = partition({ y: reduceMean(x, 0) }, options);
  const { segments } = cutAtExchanges('test', outputs);
  expect(segments[0]!.compiled.inputs.map(({ name }) => name)).toEqual(['x', 'ranks.size.B']);
});

test('pairs find their request at home and their item among those of all ranks', () => {
  const items = input('items', ['I', 3]);
  const request = gather(x, input('pair.request', ['P'], 'int32'));
  const item = gather(items, input('pair.item', ['P'], 'int32'));
  expect(exchanged({ y: reduceSum(request) }).kinds).toEqual([['sum']]);
  expect(exchanged({ y: reduceSum(item) }).kinds).toEqual([['gather'], ['sum']]);
});

test('every request meets the items of all ranks', () => {
  const { outputs } = partition({ y: reduceSum(matMul(x, input('items', ['I', 3]), { transposeB: true })) }, options);
  const { segments } = cutAtExchanges('test', outputs);
  expect(segments.map(({ exchanges }) => exchanges.map(({ kind, name }) => `${kind} ${name}`.trim()))).toEqual([
    ['gather I'],
    ['sum'],
  ]);
});

test('what looks at all rows at once is computed whole by every rank, and said', () => {
  const running = inScope('model', () => cumulativeSum(reshape(reduceSum(x, -1), [-1])));
  expect(exchanged({ y: reduceSum(running) })).toEqual({
    kinds: [['gather'], []],
    repeated: ['cumulativeSum at model'],
  });
});

test('numbers of one rank that all would need are refused, with the place', () => {
  const request = input('pair.request', ['P'], 'int32');
  const bad = () => inScope('model', () => argMax(reshape(add(request, request), [1, 'P'])));
  expect(() => partition({ y: bad() }, options)).toThrow(/^model: argMax cannot be computed by several ranks/);
  expect(() => partition({ y: bad() }, options)).toThrow(expect.objectContaining({ code: 'TRAIN_RANKS' }));
});
