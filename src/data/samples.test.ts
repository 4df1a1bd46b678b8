import { expect, test } from 'vitest';
import {
  countStages,
  hashOfSamples,
  listCount,
  rowsOfLists,
  type SampleTable,
  scoresOfSamples,
  withTeacher,
} from './samples.js';

/** Two lists, of two rows and of one. */
const samples: SampleTable = {
  event: Uint32Array.of(4, 4, 7),
  item: Int32Array.of(3, 1, 2),
  label: Float32Array.of(1, 0, 0),
  stage: Uint8Array.of(3, 0, 2),
  logged: Int32Array.of(5, -1, 7),
  offsets: Uint32Array.of(0, 2, 3),
};

test('lists are cut by their offsets', () => {
  expect(listCount(samples)).toBe(2);
  expect([...rowsOfLists(samples, Uint32Array.of(1, 0))]).toEqual([2, 0, 1]);
  expect(rowsOfLists(samples, new Uint32Array(0)).length).toBe(0);
  expect(countStages(samples.stage, ['corpus', 'candidate', 'shown', 'click'])).toEqual({
    corpus: 1,
    shown: 1,
    click: 1,
  });
});

test('scores of events become those of the samples that were logged', () => {
  const byEvent = Float32Array.from({ length: 8 }, (_, row) => (row === 7 ? Number.NaN : row / 2));
  expect([...scoresOfSamples(samples, byEvent)]).toEqual([2.5, Number.NaN, Number.NaN]);
});

test('a teacher says something of every row or NaN', () => {
  expect(withTeacher(samples, Float32Array.of(1, 2, 3))).toEqual({ ...samples, teacher: Float32Array.of(1, 2, 3) });
  expect(() => withTeacher(samples, Float32Array.of(1, 2))).toThrow('2 teacher scores for 3 samples');
});

test('every column counts for the hash', () => {
  const hashes = new Set([hashOfSamples(samples), hashOfSamples(withTeacher(samples, new Float32Array(3)))]);
  for (const [name, column] of Object.entries(samples)) {
    const changed = column.slice();
    changed[1] += 1;
    hashes.add(hashOfSamples({ ...samples, [name]: changed }));
  }
  expect(hashes.size).toBe(2 + Object.keys(samples).length);
  expect(hashOfSamples({ ...samples })).toBe(hashOfSamples(samples));
});
