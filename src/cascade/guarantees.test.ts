import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ListGuarantee, listGuarantee, summarizeGuarantees } from './guarantees.js';

describe('listGuarantee', () => {
  it('measures one list', () => {
    // Retrieved: places 0 and 1. Relevant: 0 and 2. The ranker gives 1/4, 1/4, 1/2, the towers 1/2, 1/4, 1/4.
    const ln = Math.log;
    const found = listGuarantee([ln(2), 0, 0], [0, 0, ln(2)], [1, 1, 0], [1, 0, 1]);
    expect(found.irretrievable).toBe(1);
    expect(found.divergence).toBeCloseTo(0.25 * ln(0.5) + 0.5 * ln(2), 12);
    expect(found.leastShare).toBeCloseTo(0.25, 12);
    // 1/4 is below 1/3, so that the bound says nothing; the lost share is 1/2 − 1/3.
    expect(found.bound).toBe(Number.POSITIVE_INFINITY);
    expect(found.lostShare).toBeCloseTo(1 / 6, 12);
  });

  it('finds no divergence and no loss where ranker and towers agree', () => {
    const same = [3, 1, 0.5, -2];
    expect(listGuarantee(same, same, [1, 1, 0, 0], [1, 1, 0, 0])).toMatchObject({ irretrievable: 0, divergence: 0 });
  });

  it('holds for all lists', () => {
    let bounded = 0;
    let lost = 0;
    fc.assert(
      fc.property(lists(), ({ towers, ranker, retrieved, relevant }) => {
        const found = listGuarantee(towers, ranker, retrieved, relevant);
        expect(found.irretrievable).toBeLessThanOrEqual(found.bound + 0.1);
        expect(found.lostShare).toBeLessThanOrEqual(Math.sqrt(found.divergence / 2) + 1e-7);
        if (Number.isFinite(found.bound)) bounded++;
        if (found.irretrievable > 0) lost++;
      }),
      { numRuns: 800 },
    );
    // The property would be empty if no list had anything to bound.
    expect(bounded).toBeGreaterThan(20);
    expect(lost).toBeGreaterThan(20);
  });

  it('refuses lists that are none', () => {
    expect(() => listGuarantee([1, 0], [0, 0], [1, 0], [0, 0])).toThrow('no place is relevant');
    expect(() => listGuarantee([0, 1], [0, 0], [1, 0], [0, 1])).toThrow('is not retrieved');
  });
});

describe('summarizeGuarantees', () => {
  const holds: ListGuarantee = { irretrievable: 1, divergence: 2, leastShare: 0.5, bound: 4, lostShare: 0.2 };
  const empty: ListGuarantee = { ...holds, irretrievable: 3, bound: Number.POSITIVE_INFINITY };

  it('averages the bound only where there is one', () => {
    const summary = summarizeGuarantees([holds, empty], 5);
    expect(summary).toMatchObject({
      irretrievable: 2,
      bounded: 1,
      bound: 4,
      irretrievableWhereBounded: 1,
      violations: 0,
    });
    expect(summary.pinsker).toBe(1);
    expect(summarizeGuarantees([empty], 5)).toMatchObject({ bounded: 0, bound: null, irretrievableWhereBounded: null });
  });

  it('counts what breaks a bound', () => {
    expect(summarizeGuarantees([{ ...holds, irretrievable: 5 }], 5).violations).toBe(1);
    expect(summarizeGuarantees([{ ...holds, lostShare: 1.1 }], 5).violations).toBe(1);
  });
});

/** Any scores; the K best by the towers are retrieved, and the list is those and some relevant items. */
function lists() {
  const place = fc.record({
    tower: fc.double({ min: -6, max: 6, noNaN: true }),
    ranker: fc.double({ min: -6, max: 6, noNaN: true }),
    relevant: fc.boolean(),
  });
  return fc
    .tuple(fc.array(place, { minLength: 2, maxLength: 20 }), fc.integer({ min: 1, max: 12 }))
    .filter(([places]) => places.some(({ relevant }) => relevant))
    .map(([places, k]) => {
      const order = places.map((_, i) => i).sort((a, b) => places[b]!.tower - places[a]!.tower);
      const best = new Set(order.slice(0, k));
      const kept = places.filter(({ relevant }, i) => best.has(i) || relevant);
      const retrieved = places.flatMap(({ relevant }, i) => (best.has(i) ? [1] : relevant ? [0] : []));
      return {
        towers: kept.map(({ tower }) => tower),
        ranker: kept.map(({ ranker }) => ranker),
        retrieved,
        relevant: kept.map(({ relevant }) => (relevant ? 1 : 0)),
      };
    });
}
