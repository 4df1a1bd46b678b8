import { expect, test } from 'vitest';
import { innerProductAt } from '../../inner-product.js';
import { Random } from '../../random.js';
import { along, leadingDirections } from './directions.js';

const WIDTH = 20;

/** Rows that vary along `rank` directions about a mean far from zero, and by a little along all. */
function table(rank: number, noise: number, rows = 500) {
  const random = Random.of(1, 'directions', rank);
  const normal = () => random.normal();
  const directions = Array.from({ length: rank }, () => Float64Array.from({ length: WIDTH }, normal));
  const data = new Float32Array(rows * WIDTH);
  for (let row = 0; row < rows; row++) {
    const along = directions.map(normal);
    for (let i = 0; i < WIDTH; i++) {
      const value = directions.reduce((sum, direction, j) => sum + along[j]! * direction[i]!, 10);
      data[row * WIDTH + i] = value + noise * normal();
    }
  }
  const find = () =>
    leadingDirections(WIDTH, rows, (row, into) => into.set(data.subarray(row * WIDTH, (row + 1) * WIDTH)), 8);
  return { data, rows, find };
}

test('few directions are found where rows vary along few, and none where they vary along all', () => {
  expect(along(table(3, 0.05).find()!).count).toBe(8);
  expect(along(table(10, 0.05).find()!).count).toBe(16);
  expect(table(3, 10).find()).toBeUndefined();
});

test('by the coordinates every inner product is bounded from above and below, and hardly more than it is', () => {
  const { data, rows, find } = table(3, 0.05);
  const coordinates = along(find()!);
  const { count, mean } = coordinates;
  const random = Random.of(2, 'directions');
  const [point, asked] = [new Float64Array(count), new Float64Array(count)];
  let [loose, spread] = [0, 0];
  for (let i = 0; i < 20; i++) {
    const query = Float32Array.from({ length: WIDTH }, () => random.normal());
    coordinates.ofQuery(query, asked);
    const ofMean = mean.reduce((sum, value, k) => sum + value * query[k]!, 0);
    for (let row = 0; row < rows; row++) {
      coordinates.ofRow(data.subarray(row * WIDTH, (row + 1) * WIDTH), point);
      const exact = innerProductAt(data, row * WIDTH, query, 0, WIDTH) - ofMean;
      const led = point.reduce((sum, value, k) => sum + (k < count - 1 ? value * asked[k]! : 0), 0);
      const rest = point[count - 1]! * asked[count - 1]!;
      expect(exact).toBeLessThanOrEqual(led + rest);
      expect(exact).toBeGreaterThanOrEqual(led - rest);
      loose += rest;
      spread += Math.abs(exact);
    }
  }
  expect(loose).toBeLessThan(0.2 * spread);
});

test('rows that are not finite have no say', () => {
  const { data, find } = table(3, 0.05);
  data[7 * WIDTH] = Number.NaN;
  data[9 * WIDTH + 1] = Number.POSITIVE_INFINITY;
  expect(find()!.mean.every(Number.isFinite)).toBe(true);
});

test('rows that are all alike vary along nothing', () => {
  const same = along(leadingDirections(WIDTH, 100, (_, into) => into.fill(1), 8)!);
  const point = new Float64Array(same.count);
  same.ofRow(new Float32Array(WIDTH).fill(1), point);
  expect(Math.max(...point.map(Math.abs))).toBeLessThan(1e-6);
});
