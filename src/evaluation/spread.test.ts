import { describe, expect, it } from 'vitest';
import { places, spread } from './spread.js';

describe('spread', () => {
  it('is checked by hand: 2, 4, 9 lie 3, 1 and 4 from 5', () => {
    expect(spread([2, 4, 9])).toEqual({ mean: 5, deviation: Math.sqrt(26 / 2), runs: 3 });
  });

  it('is 0 for one run and undefined for none', () => {
    expect(spread([0.7])).toEqual({ mean: 0.7, deviation: 0, runs: 1 });
    expect(spread([])).toBeUndefined();
  });
});

describe('places', () => {
  it('shares the places of equals, and gives none to what has no value', () => {
    expect(places([0.5, 0.9, undefined, 0.5, 0.1])).toEqual([2.5, 1, undefined, 2.5, 4]);
    expect(places([0.5, 0.9, undefined, 0.5, 0.1], true)).toEqual([2.5, 4, undefined, 2.5, 1]);
  });
});
