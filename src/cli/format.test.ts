import { expect, test } from 'vitest';
import { bytes, count, duration, shellWord, shortPath } from './format.js';

test('numbers and sizes', () => {
  expect([0, 999, 1234567.4].map(count)).toEqual(['0', '999', '1,234,567']);
  expect([999, 4200, 1_260_000].map(bytes)).toEqual(['999 B', '4.2 kB', '1.3 MB']);
});

test('durations carry over', () => {
  expect([-1, 0.4, 59.4, 59.6, 200, 3599.7, 7500].map(duration)).toEqual([
    '0 s',
    '0 s',
    '59 s',
    '1 min 0 s',
    '3 min 20 s',
    '1 h 0 min',
    '2 h 5 min',
  ]);
});

test('words that a shell would split or expand are quoted', () => {
  expect(['runs/a-1', 'my run', "it's", '$HOME', ''].map(shellWord)).toEqual([
    'runs/a-1',
    "'my run'",
    `'it'\\''s'`,
    "'$HOME'",
    "''",
  ]);
});

test('paths below the working folder are shortened', () => {
  expect([shortPath('/a/b/c', '/a'), shortPath('/b/c', '/a'), shortPath('c', '/a')]).toEqual(['b/c', '/b/c', 'c']);
});
