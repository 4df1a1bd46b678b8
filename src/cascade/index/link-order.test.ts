import { expect, test } from 'vitest';
import { linkOrder } from './link-order.js';
import { clustered } from './testing/clustered.js';
import { VectorTable } from './vectors.js';

const WIDTH = 4;
const large = clustered(21_000, WIDTH, 'rows');

test('every present row comes once, in the same order each time', async () => {
  const present = Uint8Array.from({ length: 21_000 }, (_, row) => (row % 50 === 0 ? 0 : 1));
  const table = VectorTable.of('inner-product', large, present);
  const order = await linkOrder(table);
  expect(order).toHaveLength(table.count);
  expect([...order].sort((a, b) => a - b)).toEqual([...present.keys()].filter((row) => present[row] === 1));
  expect(await linkOrder(table)).toEqual(order);
});

test('rows that follow each other are alike', async () => {
  const table = VectorTable.of('cosine', large);
  const order = await linkOrder(table);
  /** Mean cosine of rows that follow each other. */
  const likeness = (rows: Int32Array) => {
    let sum = 0;
    for (let i = 1; i < rows.length; i++) sum += table.score(rows[i]!, table.data, rows[i - 1]! * WIDTH);
    return sum / (rows.length - 1);
  };
  expect(likeness(order)).toBeGreaterThan(0.3 + likeness(Int32Array.from(table.present.keys())));
});

test('few rows are linked as they come', async () => {
  const table = VectorTable.of('cosine', clustered(500, WIDTH, 'rows'));
  expect([...(await linkOrder(table))]).toEqual([...Array(500).keys()]);
});
