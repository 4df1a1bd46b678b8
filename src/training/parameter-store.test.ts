import { expect, test } from 'vitest';
import type { Parameter } from '../graph/index.js';
import { normal } from '../nn/initializers.js';
import { createOptimizer } from './optimizers.js';
import { DoubleBuffer, ParameterStore } from './parameter-store.js';

const parameter = (name: string, kind: Parameter['kind'], shape: number[]): Parameter => ({
  name,
  kind,
  shape,
  initialize: normal(1),
  decay: false,
});
const PARAMETERS = [
  parameter('user/weight', 'dense', [2, 3]),
  parameter('tables/item', 'table', [4, 2]),
  parameter('user/mean', 'state', [3]),
  parameter('item/bias', 'dense', [2]),
  parameter('item/mean', 'state', [1]),
];
const adam = createOptimizer({ name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
const adagrad = createOptimizer({ name: 'adagrad', epsilon: 1e-10, initial: 0.25 });

test('a double buffer writes one copy while the other is read, and swapping keeps both', () => {
  const buffer = new DoubleBuffer(2, 7);
  const { current, next } = buffer;
  expect([...current, ...next]).toEqual([7, 7, 7, 7]);
  next.set([1, 2]);
  expect([...buffer.current]).toEqual([7, 7]);
  buffer.swap();
  expect(buffer.current).toBe(next);
  expect(buffer.next).toBe(current);
  buffer.swap();
  expect(buffer.current).toBe(current);
  expect([...buffer.next]).toEqual([1, 2]);
});

test('parameters of a kind lie back to back, in order', () => {
  const store = new ParameterStore(PARAMETERS, adam, 1);
  expect([store.denseSize, store.stateSize]).toEqual([8, 4]);
  expect(['user/weight', 'item/bias', 'user/mean', 'item/mean'].map((name) => store.offset(name))).toEqual([
    0, 6, 0, 3,
  ]);
  store.dense.current.set([0, 1, 2, 3, 4, 5, 6, 7]);
  expect([...store.values('item/bias')]).toEqual([6, 7]);
  store.dense.swap();
  expect([...store.values('item/bias')]).not.toEqual([6, 7]);
  expect(() => store.values('user/wieght')).toThrow('no parameter user/wieght');
});

test('first values follow from seed and name alone', () => {
  const store = new ParameterStore(PARAMETERS, adam, 1);
  const fewer = new ParameterStore(PARAMETERS.slice(3), adagrad, 1);
  expect(fewer.values('item/bias')).toEqual(store.values('item/bias'));
  expect(store.values('user/mean')).not.toEqual(store.values('user/weight').slice(0, 3));
  expect(new ParameterStore(PARAMETERS, adam, 2).values('item/bias')).not.toEqual(store.values('item/bias'));
});

test('memory of the optimizer starts where the optimizer says', () => {
  const store = new ParameterStore(PARAMETERS, adagrad, 1);
  expect(new Set(store.denseSlots[0]!.current)).toEqual(new Set([0.25]));
  expect(new Set(store.denseSlots[0]!.next)).toEqual(new Set([0.25]));
  expect(store.tables.get('tables/item')!.slots).toEqual([new Float32Array(8).fill(0.25)]);
});

test('arrays of a checkpoint are everything, by name, as views', () => {
  const store = new ParameterStore(PARAMETERS, adam, 1);
  const arrays = store.arrays();
  const shapes = Object.fromEntries([...arrays].map(([name, { shape }]) => [name, shape]));
  expect(shapes).toEqual({
    'user/weight': [2, 3],
    'tables/item': [4, 2],
    'user/mean': [3],
    'item/bias': [2],
    'item/mean': [1],
    'optimizer.mean': [8],
    'optimizer.mean.tables/item': [4, 2],
    'optimizer.square': [8],
    'optimizer.square.tables/item': [4, 2],
  });
  for (const { data } of arrays.values()) data.fill(3);
  expect(new Set([...store.dense.current, ...store.states.current])).toEqual(new Set([3]));
  expect(new Set(store.tables.get('tables/item')!.slots.flatMap((slot) => [...slot]))).toEqual(new Set([3]));
});
