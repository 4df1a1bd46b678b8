import { expect, test } from 'vitest';
import { toyDataset } from '../testing/toy-dataset.js';
import { slicesOf } from './slices.js';

const size = (keep: Uint8Array) => keep.filter((one) => one === 1).length;

test('slices part the test exposures by what training knew of user and item', () => {
  const whole = toyDataset();
  // So little training that some users and items are new.
  const dataset = { ...whole, splits: { ...whole.splits, train: whole.splits.train.subarray(0, 12) } };
  const { events, splits } = dataset;
  const slices = slicesOf(dataset, []);
  const trained = (column: Int32Array, row: number) =>
    splits.train.filter((other) => column[other] === column[row]).length;
  const headCounts = new Map<number, number>();
  for (const { by, group, keep } of slices) {
    for (const [i, row] of splits.test.entries()) {
      if (keep[i] === 0) continue;
      if (by === 'user') expect(trained(events.user, row) > 0).toBe(group === 'in training');
      else expect(trained(events.item, row) > 0).toBe(group !== 'new');
      if (group === 'head') headCounts.set(events.item[row]!, trained(events.item, row));
      if (group === 'tail') headCounts.delete(events.item[row]!);
    }
  }
  expect(slices.map(({ by, group }) => `${by} ${group}`)).toEqual([
    'user in training',
    'user new',
    'item head',
    'item tail',
    'item new',
  ]);
  for (const by of ['user', 'item']) {
    const parts = slices.filter((slice) => slice.by === by);
    expect(parts.reduce((sum, { keep }) => sum + size(keep), 0)).toBe(splits.test.length);
  }
  // No item of the tail is more frequent than one of the head.
  const tail = slices.find(({ group }) => group === 'tail')!;
  const inTail = [...splits.test].filter((_, i) => tail.keep[i] === 1).map((row) => trained(events.item, row));
  expect(Math.min(...headCounts.values())).toBeGreaterThanOrEqual(Math.max(...inTail));
});

test('slices by a field: one part per value, named as in the data', () => {
  const dataset = toyDataset();
  const slices = slicesOf(dataset, ['item.item_id']).filter(({ by }) => by === 'item.item_id');
  // 18 items: the nine most frequent, and the others together.
  expect(slices).toHaveLength(10);
  expect(slices.at(-1)!.group).toBe('others');
  const rows = dataset.splits.test;
  for (const { group, keep } of slices.slice(0, -1)) {
    const keys = [...rows].filter((_, i) => keep[i] === 1).map((row) => dataset.items.keys[dataset.events.item[row]!]);
    expect(new Set(keys)).toEqual(new Set([group]));
  }
  const sizes = slices.slice(0, -1).map(({ keep }) => size(keep));
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  expect(slices.reduce((sum, { keep }) => sum + size(keep), 0)).toBe(rows.length);
});

test('slices by a field that is none, or that has several values a row', () => {
  expect(() => slicesOf(toyDataset(), ['context.nothing'])).toThrow('there is no field "context.nothing"');
  expect(() => slicesOf(toyDataset(), ['user.topics'])).toThrow('user.topics has no single value per row');
});
