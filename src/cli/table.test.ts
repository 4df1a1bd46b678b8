import { expect, test } from 'vitest';
import { table } from './table.js';

test('numbers to the right, text to the left, no trailing space', () => {
  const rows = [
    ['model', 'AUC', 'users'],
    ['dssm', 0.7412, 12],
    ['popularity', 0.5, undefined],
  ];
  expect(table(rows).split('\n')).toEqual([
    'model          AUC  users',
    '──────────  ──────  ─────',
    'dssm        0.7412     12',
    'popularity     0.5      –',
  ]);
});

test('colour codes and letters outside the basic plane do not count as width', () => {
  const rows = [['a'], ['\x1b[31mred\x1b[39m'], ['𝄞'], ['long']];
  expect(table(rows).split('\n')[1]).toBe('────');
});

test('short rows and no rows', () => {
  expect(table([['a', 'b'], ['x']]).split('\n')).toEqual(['a  b', '─  ─', 'x  –']);
  expect(table([])).toBe('');
});

test('formatted numbers and sizes are aligned like numbers, mixed columns like text', () => {
  const rows = [
    ['count', 'size', 'share', 'tags'],
    ['1,200', '4.2 kB', '-3.5 %', '67,6'],
    ['7', '12 B', 'undefined', 'none'],
  ];
  expect(table(rows).split('\n')).toEqual([
    'count    size      share  tags',
    '─────  ──────  ─────────  ────',
    '1,200  4.2 kB     -3.5 %  67,6',
    '    7    12 B  undefined  none',
  ]);
});
