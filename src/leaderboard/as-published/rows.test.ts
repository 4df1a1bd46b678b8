import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateMovieLensShape } from '../../data/generate-movielens.js';
import { publishedRows } from './rows.js';
import { ratedLog } from './testing/rated-log.js';

const dataset = ratedLog(10_000);
const rows = publishedRows(dataset, 5);
const { user, item, feedback } = dataset.events;
const count = (part: number) => rows.part.filter((one) => one === part).length;

describe('publishedRows', () => {
  it('drops threes, and users without a positive in either part, and splits the rest at random', () => {
    const ratings = feedback.get('rating')!;
    const [train, validation, test] = [count(0), count(1), count(2)];
    expect(rows.event.some((event) => ratings[event] === 3)).toBe(false);
    expect(rows.label.every((label, row) => label === Number(ratings[rows.event[row]!]! > 3))).toBe(true);
    const rated = ratings.filter((rating) => rating !== 3).length;
    expect(test).toBeLessThanOrEqual(Math.ceil(rated / 5));
    expect(validation / (train + validation)).toBeCloseTo(0.2, 3);
    for (const tested of [true, false]) {
      const own = [...rows.event.keys()].filter((row) => (rows.part[row] === 2) === tested);
      const happy = new Set(own.filter((row) => rows.label[row] === 1).map((row) => user[rows.event[row]!]));
      expect(own.every((row) => happy.has(user[rows.event[row]!]))).toBe(true);
    }
    // Time does not tell the parts apart.
    const meanTime = (part: number) => {
      const own = [...rows.event].filter((_, row) => rows.part[row] === part);
      return own.reduce((sum, event) => sum + event / dataset.events.count, 0) / own.length;
    };
    expect(meanTime(2)).toBeCloseTo(0.5, 1);
  });

  it('validates on the items with the highest keys, one of which is shared with training at most', () => {
    const itemsOf = (part: number) => [...rows.event].filter((_, row) => rows.part[row] === part).map((e) => item[e]!);
    expect(Math.max(...itemsOf(0))).toBeLessThanOrEqual(Math.min(...itemsOf(1)));
  });

  it('makes the means of the test part of the labels of the test part, as brute force does', () => {
    const meansOf = (isOwn: (part: number) => boolean) => {
      const labels = new Map<number, number[]>();
      for (const [row, event] of rows.event.entries()) {
        if (!isOwn(rows.part[row]!)) continue;
        const who = user[event]!;
        labels.set(who, [...(labels.get(who) ?? []), rows.label[row]!]);
      }
      return new Map([...labels].map(([who, own]) => [who, own.reduce((a, b) => a + b, 0) / own.length]));
    };
    const train = meansOf((part) => part < 2);
    const test = meansOf((part) => part === 2);
    // The scaler of the test part stretches all means alike.
    const [least, greatest] = [Math.min(...test.values()), Math.max(...test.values())];
    for (const [side, means] of Object.entries({ train, test })) {
      expect(means.size).toBeGreaterThan(500);
      for (const [who, mean] of means) {
        expect(rows.userMean[side as 'train' | 'test'][who]).toBeCloseTo((mean - least) / (greatest - least), 9);
      }
    }
    const known = [...rows.itemMean.test].filter((value) => !Number.isNaN(value));
    expect([Math.min(...known), Math.max(...known)]).toEqual([0, 1]);
  });

  it('takes every row once, whatever the seed, and the same ones from the same seed', () => {
    const small = ratedLog(400, 3);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const found = publishedRows(small, seed);
        expect(new Set(found.event).size).toBe(found.event.length);
        expect(publishedRows(small, seed).event).toEqual(found.event);
      }),
      { numRuns: 5 },
    );
  });

  it('refuses a log without ratings', () => {
    expect(() => publishedRows(generateMovieLensShape({ events: 100 }), 1)).toThrow('no feedback "rating", but liked');
  });
});
