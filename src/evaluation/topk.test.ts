import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopK, topK } from './topk.js';

/** Sorts everything. */
function topBySort(scores: Float32Array, k: number, allowed: (item: number) => boolean) {
  const items = [...scores.keys()]
    .filter(allowed)
    .sort((a, b) => (scores[a] === scores[b] ? a - b : scores[a]! < scores[b]! ? 1 : -1));
  return { items: items.slice(0, k), scores: items.slice(0, k).map((item) => scores[item]!) };
}

const row = fc
  .array(fc.constantFrom(-Infinity, -1, -0, 0, 0.5, 2, Infinity), { maxLength: 50 })
  .map((values) => Float32Array.from(values));

const plain = ({ items, scores }: { items: Int32Array; scores: Float32Array }) => ({
  items: [...items],
  scores: [...scores],
});

describe('topK', () => {
  it('gives the best first and breaks ties by the lower item row', () => {
    const { items, scores } = topK(new Float32Array([1, 3, 2, 3, 2]), 3);
    expect([...items]).toEqual([1, 3, 2]);
    expect([...scores]).toEqual([3, 3, 2]);
  });

  it('gives the first k items for a constant score', () => {
    expect([...topK(new Float32Array(100), 4).items]).toEqual([0, 1, 2, 3]);
  });

  it('leaves out what is excluded or no candidate, and may come back short', () => {
    const scores = new Float32Array([5, 4, 3, 2, 1]);
    expect([...topK(scores, 2, { excluded: [0, 2] }).items]).toEqual([1, 3]);
    expect([...topK(scores, 2, { candidates: new Uint8Array([0, 0, 1, 1, 1]) }).items]).toEqual([2, 3]);
    expect([...topK(scores, 9, { candidates: new Uint8Array([0, 1, 1, 0, 0]), excluded: new Set([1]) }).items]).toEqual(
      [2],
    );
    expect(topK(new Float32Array(), 3).items).toHaveLength(0);
  });

  it('agrees with sorting everything, whole or in blocks, ties, infinities and filters included', () => {
    const filter = fc.record({ mask: fc.array(fc.boolean(), { minLength: 50, maxLength: 50 }), cut: fc.nat(50) });
    fc.assert(
      fc.property(row, fc.integer({ min: 1, max: 60 }), filter, (scores, k, { mask, cut }) => {
        const candidates = Uint8Array.from(mask.slice(0, scores.length), Number);
        const expected = topBySort(scores, k, (item) => mask[item]!);
        expect(plain(topK(scores, k, { candidates }))).toEqual(expected);
        const excluded = [...candidates.keys()].filter((item) => candidates[item] === 0);
        expect(plain(topK(scores, k, { excluded }))).toEqual(expected);

        const blocks = new TopK(k, (item) => mask[item]!);
        blocks.push(scores.subarray(0, cut));
        expect(plain(blocks.result())).toEqual(topBySort(scores.subarray(0, cut), k, (item) => mask[item]!));
        blocks.push(scores.subarray(cut));
        expect(plain(blocks.result())).toEqual(expected);
      }),
      { seed: 8 },
    );
  });

  it('refuses NaN, also where it would not be kept', () => {
    expect(() => topK(new Float32Array([3, 2, Number.NaN]), 1)).toThrow(/topK: the score of row 2 is NaN/);
  });

  it('refuses a bad k and a mask of another length', () => {
    expect(() => topK(new Float32Array(1), 2.5)).toThrow(/k must be a whole number of at least 1, got 2.5/);
    expect(() => topK(new Float32Array(1), 0)).toThrow(/got 0/);
    expect(() => topK(new Float32Array(2), 1, { candidates: new Uint8Array(3) })).toThrow(/3 entries for 2 items/);
  });
});
