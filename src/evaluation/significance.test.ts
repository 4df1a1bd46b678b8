import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { compareRuns, type Replicates, replicate, replicateAll } from './significance.js';
import { ratioOfUsers } from './user-statistics.js';

const ones = (length: number) => new Float64Array(length).fill(1);
/** The mean of one number per user. */
const meanOf = (values: number[]) => ratioOfUsers(Float64Array.from(values), ones(values.length));

describe('replicate', () => {
  it('draws as many users as there are, the same ones for every statistic', () => {
    const options = { users: 5, resamples: 50, seed: 3 };
    const drawn = replicate((times) => times.reduce((a, b) => a + b, 0), options);
    expect(new Set(drawn.values)).toEqual(new Set([5]));
    const first = replicate((times) => times[0], options);
    expect(first.observed).toBe(1);
    expect(replicate((times) => times[0], options)).toEqual(first);
    expect(replicate((times) => times[0], { ...options, seed: 4 })).not.toEqual(first);
    // Of 50 draws of 5 out of 5 the first user is left out of about a third.
    expect(first.values.filter((count) => count === 0).length).toBeGreaterThan(5);
  });

  it('draws the same for several statistics at once as for each alone', () => {
    const options = { users: 4, resamples: 30, seed: 2 };
    const statistics = [meanOf([1, 2, 3, 4]), meanOf([0, 1, 0, 0])];
    expect(replicateAll(statistics, options)).toEqual(statistics.map((one) => replicate(one, options)));
  });

  it('has no value on users that leave none, and refuses a log without one', () => {
    const onlyFirst = ratioOfUsers(Float64Array.of(1, 0), Float64Array.of(1, 0));
    const { values } = replicate(onlyFirst, { users: 2, resamples: 40, seed: 1 });
    expect(new Set(values)).toEqual(new Set([1, Number.NaN]));
    expect(() => replicate(() => undefined, { users: 2, resamples: 1, seed: 1 })).toThrow('has no value');
  });
});

describe('compareRuns', () => {
  it('agrees with all 27 ways to draw three users', () => {
    const [model, baseline] = [
      [1, 3, 0],
      [0, 1, 2],
    ];
    const gaps = model!.map((value, user) => value - baseline![user]!);
    let [below, above] = [0, 0];
    for (const a of gaps) {
      for (const b of gaps) {
        for (const c of gaps) {
          if (a + b + c <= 0) below++;
          if (a + b + c >= 0) above++;
        }
      }
    }
    const options = { users: 3, resamples: 20_000, seed: 5 };
    const { p, difference } = compareRuns(
      [replicate(meanOf(model!), options)],
      [replicate(meanOf(baseline!), options)],
      options,
    );
    expect(difference).toBeCloseTo((1 + 2 - 2) / 3, 12);
    // Of 27 sums 10 are at most 0: p = 20/27.
    expect(p).toBeCloseTo((2 * Math.min(below, above)) / 27, 1);
    expect(Math.abs(p - (2 * Math.min(below, above)) / 27)).toBeLessThan(0.015);
  });

  it('pairs: the same gap for every user is certain, however much users differ', () => {
    const users = 40;
    const random = Random.of(1);
    const values = Array.from({ length: users }, () => 100 * random.normal());
    const options = { users, resamples: 999, seed: 2 };
    const better = replicate(meanOf(values.map((value) => value + 1)), options);
    const { low, high, p } = compareRuns([better], [replicate(meanOf(values), options)], options);
    expect([low, high]).toEqual([expect.closeTo(1, 6), expect.closeTo(1, 6)]);
    expect(p).toBe(2 / 1000);
  });

  it('calls nothing a difference where there is none', () => {
    const run = replicate(meanOf([1, 2, 3]), { users: 3, resamples: 100, seed: 1 });
    expect(compareRuns([run], [run], { seed: 1 })).toMatchObject({ difference: 0, low: 0, high: 0, p: 1 });
  });

  it('is wrong about as often as it says: p < 0.05 in about one of twenty comparisons of equals', () => {
    const users = 80;
    let called = 0;
    const trials = 300;
    for (let trial = 0; trial < trials; trial++) {
      const random = Random.of(trial, 'equals');
      const draw = () => Array.from({ length: users }, () => random.normal());
      const options = { users, resamples: 199, seed: trial };
      const { p } = compareRuns([replicate(meanOf(draw()), options)], [replicate(meanOf(draw()), options)], options);
      if (p < 0.05) called++;
    }
    expect(called / trials).toBeGreaterThan(0.02);
    expect(called / trials).toBeLessThan(0.1);
  });

  it('counts seeds: their spread widens the interval by what it should', () => {
    // Users agree within each run, so that only the seeds vary: variance of the mean of 4 runs is deviation² / 4.
    const constant = (observed: number): Replicates => ({ observed, values: new Float64Array(20_000).fill(observed) });
    const runs = [1, 2, 4, 5].map(constant);
    const deviation = Math.sqrt((4 + 1 + 1 + 4) / 3);
    const { low, high, difference } = compareRuns(runs, [constant(0)], { seed: 1 });
    expect(difference).toBe(3);
    // A normal approximation: 1.96 standard errors to each side, on few distinct values.
    expect(Math.abs((high - low) / 2 / ((1.96 * deviation) / 2) - 1)).toBeLessThan(0.12);
    expect(() => compareRuns([], [constant(0)], { seed: 1 })).toThrow(RangeError);
  });
});
