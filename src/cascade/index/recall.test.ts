import { describe, expect, it } from 'vitest';
import { Random } from '../../random.js';
import { buildIndex } from './build.js';
import { measureRecall, sampleRows } from './recall.js';
import { VectorTable } from './vectors.js';

describe('measureRecall', () => {
  it('is the share of the best k that was found; a tie with the last one counts', async () => {
    // Scores of the query 1: 5, 4, 3, 3, 1. The other index lacks the best row.
    const data = Float32Array.of(5, 4, 3, 3, 1);
    const exact = await buildIndex({ data, shape: [5, 1] }, { kind: 'exact' });
    const other = await buildIndex(
      { data, shape: [5, 1] },
      { kind: 'exact' },
      { present: Uint8Array.of(0, 1, 1, 1, 1) },
    );
    const one = { data: Float32Array.of(1), shape: [1, 1] };
    expect(await measureRecall(exact, one, 3, await exact.search(one, 3))).toBe(1);
    expect(await measureRecall(other, one, 1, await exact.search(one, 1))).toBe(0);
    expect(await measureRecall(other, one, 2, await exact.search(one, 2))).toBe(1 / 2);
    // 4, 3 and the other 3 instead of 5, 4 and 3.
    expect(await measureRecall(other, one, 3, await exact.search(one, 3))).toBe(1);
    await exact.release();
    await other.release();
  });
});

describe('sampleRows', () => {
  it('draws present rows without replacement', () => {
    const data = Float32Array.of(0, 1, 2, 3, 4, 5);
    const table = VectorTable.of('inner-product', { data, shape: [6, 1] }, Uint8Array.of(0, 1, 1, 0, 1, 1));
    const some = sampleRows(table, 3, Random.of(1));
    expect(some.shape).toEqual([3, 1]);
    expect(new Set(some.data).size).toBe(3);
    expect([...some.data].every((value) => [1, 2, 4, 5].includes(value))).toBe(true);
    expect([...sampleRows(table, 9, Random.of(1)).data].sort()).toEqual([1, 2, 4, 5]);
  });
});
