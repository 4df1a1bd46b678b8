import { describe, expect, it } from 'vitest';
import { rungsOf, survivors } from './halving.js';

describe('rungsOf', () => {
  it('gives a third of the trials three times as much', () => {
    expect(rungsOf(27, 20)).toEqual([
      { validations: 1, trials: 27 },
      { validations: 3, trials: 9 },
      { validations: 9, trials: 3 },
      { validations: undefined, trials: 1 },
    ]);
  });

  it('has fewer rungs for few validations or trials', () => {
    expect(rungsOf(10, 4)).toEqual([
      { validations: 1, trials: 10 },
      { validations: 3, trials: 4 },
      { validations: undefined, trials: 2 },
    ]);
    expect(rungsOf(10, 1)).toEqual([{ validations: undefined, trials: 10 }]);
    expect(rungsOf(1, 100)).toEqual([{ validations: undefined, trials: 1 }]);
  });

  it('never gives more than training all trials would take', () => {
    for (const trials of [1, 2, 5, 30]) {
      for (const most of [1, 2, 4, 20]) {
        let [spent, before] = [0, 0];
        for (const rung of rungsOf(trials, most)) {
          const validations = rung.validations ?? most;
          spent += rung.trials * (validations - before);
          before = validations;
        }
        expect(spent).toBeLessThanOrEqual(trials * most);
      }
    }
  });
});

describe('survivors', () => {
  const entries = [0.5, undefined, 0.7, 0.5, 0.6].map((value, place) => ({ place, value }));
  const placesOf = (count: number, lower: boolean) => survivors(entries, count, lower).map(({ place }) => place);

  it('keeps the best, in their order; of equals the first, and nothing without a value', () => {
    expect(placesOf(2, false)).toEqual([2, 4]);
    expect(placesOf(3, false)).toEqual([0, 2, 4]);
    expect(placesOf(1, true)).toEqual([0]);
    expect(placesOf(9, false)).toEqual([0, 2, 3, 4]);
  });
});
