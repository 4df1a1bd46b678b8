import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeSafetensors } from '../../training/safetensors.js';
import {
  capacityOf,
  emptyStates,
  isFiniteRow,
  makeRoom,
  readStates,
  vectorAt,
  vectorsOf,
  writeRows,
} from './item-states.js';

const packed = () => {
  const source = {
    vector: { data: Float32Array.of(0, 1, 2, 10, 11, 12), shape: [2, 3] },
    heads: { data: Float32Array.of(3, 4, 13, 14), shape: [2, 2, 1] },
    query: { data: Int32Array.of(-1, 7), shape: [2] },
  };
  const states = emptyStates(source, 4);
  writeRows(states, Int32Array.of(0, 1), source);
  return states;
};

test('states of an item lie side by side, each from an even place on', () => {
  const states = packed();
  expect(states.memory).toBeInstanceOf(SharedArrayBuffer);
  expect([states.stride, capacityOf(states)]).toEqual([8, 4]);
  expect(states.layout).toEqual({
    vector: { type: 'float32', offset: 0, width: 3, shape: [3] },
    heads: { type: 'float32', offset: 4, width: 2, shape: [2, 1] },
    query: { type: 'int32', offset: 6, width: 1, shape: [] },
  });
  expect([...new Float32Array(states.memory, 32, 6)]).toEqual([10, 11, 12, 0, 13, 14]);
  expect([new Int32Array(states.memory)[6], new Int32Array(states.memory)[14]]).toEqual([-1, 7]);
});

test('more room keeps what was there, and rows are written where they belong', () => {
  const states = packed();
  const before = states.memory;
  makeRoom(states, 9);
  expect([states.memory === before, capacityOf(states)]).toEqual([false, 9]);
  writeRows(states, Int32Array.of(8, 0), {
    vector: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] },
    heads: { data: Float32Array.of(7, 8, 9, 10), shape: [2, 2, 1] },
    query: { data: Int32Array.of(11, 12), shape: [2] },
  });
  const [vectors, heads] = [vectorsOf(states, 'vector'), vectorsOf(states, 'heads')];
  expect([0, 1, 8].map((row) => [...vectorAt(vectors, row), ...vectorAt(heads, row)])).toEqual([
    [4, 5, 6, 9, 10],
    [10, 11, 12, 13, 14],
    [1, 2, 3, 7, 8],
  ]);
  expect(new Int32Array(states.memory)[8 * 8 + 6]).toBe(11);
});

test('a row with a float that is no number is told; the bits of whole numbers say nothing', () => {
  const states = packed();
  expect([isFiniteRow(states, 0), isFiniteRow(states, 1)]).toEqual([true, true]);
  new Float32Array(states.memory)[13] = Number.NaN;
  expect([isFiniteRow(states, 0), isFiniteRow(states, 1)]).toEqual([true, false]);
});

test('a file is packed block by block, and no value that is no number gets in', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twotower-'));
  const file = join(folder, 'states');
  // So wide that a block holds two of the five rows.
  const width = 1 << 19;
  const wide = new Float32Array(5 * width);
  for (let row = 0; row < 5; row++) wide[(row + 1) * width - 1] = row + 0.5;
  const write = () =>
    writeSafetensors(file, [
      ['wide', { data: wide, shape: [5, width] }],
      ['id', { data: Int32Array.of(9, 8, 7, 6, 5), shape: [5] }],
    ]);
  await write();
  const states = await readStates(file, 5);
  expect(capacityOf(states)).toBeGreaterThan(5);
  expect([0, 1, 2, 3, 4].map((row) => vectorAt(vectorsOf(states, 'wide'), row).at(-1))).toEqual([
    0.5, 1.5, 2.5, 3.5, 4.5,
  ]);
  const ids = new Int32Array(states.memory);
  expect([0, 1, 2, 3, 4].map((row) => ids[row * states.stride + width])).toEqual([9, 8, 7, 6, 5]);

  wide[4 * width] = Number.NaN;
  await write();
  await expect(readStates(file, 5)).rejects.toMatchObject({ code: 'SERVING_STORE' });
  await rm(folder, { recursive: true });
});
