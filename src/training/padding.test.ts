import { expect, test } from 'vitest';
import { assembleBatch } from '../data/batches.js';
import { fillPadding } from '../testing/padding.js';
import { toyDataset } from '../testing/toy-dataset.js';
import { eachPadded, paddingOf } from './padding.js';

test('exactly the positions that hold nothing are padding', () => {
  const dataset = toyDataset();
  const { feeds } = assembleBatch(dataset, dataset.splits.train);
  const filled = fillPadding(feeds, dataset.schema);
  const padding = paddingOf(dataset.schema);
  expect([...padding.keys()].some((name) => name.startsWith('history.'))).toBe(true);
  for (const ids of padding.keys()) {
    // In both batches the used positions are the same; what differs was filled in.
    const used = Array.from(feeds[ids]!.data, (id, at) => id === filled[ids]!.data[at]);
    const found = used.map(() => true);
    let last = 0;
    eachPadded(padding, ids, feeds, (from, to) => {
      expect(from, ids).toBeGreaterThanOrEqual(last);
      last = to;
      found.fill(false, from, to);
    });
    expect(found, ids).toEqual(used);
    expect(found.includes(false), ids).toBe(true);
  }
});
