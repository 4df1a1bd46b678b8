import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LoggedRow, loggedRequests } from './log.js';
import { DAY, type FunnelInput, funnelOptions, START } from './options.js';
import { examination, sigmoid, tasteAt, tasteLogit, WIDTH } from './truth.js';
import { drawWorld } from './world.js';

const worldOf = (input: FunnelInput) => drawWorld(funnelOptions.parse(input));
const logOf = (input: FunnelInput) => [...loggedRequests(worldOf(input))];

/** Small worlds of every kind. */
const inputs: fc.Arbitrary<FunnelInput> = fc
  .record({
    users: fc.integer({ min: 1, max: 20 }),
    items: fc.integer({ min: 12, max: 60 }),
    days: fc.integer({ min: 1, max: 4 }),
    seed: fc.integer({ min: 0, max: 1000 }),
    requestsPerDay: fc.constant(3),
    interaction: fc.double({ min: 0, max: 1, noNaN: true }),
    drift: fc.double({ min: 0, max: 1, noNaN: true }),
    newItems: fc.double({ min: 0, max: 1, noNaN: true }),
    positionBias: fc.double({ min: 0, max: 2, noNaN: true }),
    candidates: fc.integer({ min: 0, max: 4 }),
    sizes: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 4, maxLength: 4 }),
  })
  .map(({ sizes, ...input }) => {
    const [retrieve, prerank, rank, shown] = sizes.sort((a, b) => b - a) as [number, number, number, number];
    return { ...input, cascade: { retrieve, prerank, rank, shown } };
  });

test('every request is the work of a cascade, and every row tells the truth', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const world = worldOf(input);
      const { options, constants, people, catalogue } = world;
      const { cascade, candidates, positionBias, days } = options;
      const latents = { users: people.latents, items: catalogue.latents };
      const taste = new Float64Array(WIDTH);
      let before = START;
      for (const rows of loggedRequests(world)) {
        const { user, time, request } = rows[0]!;
        expect(time).toBeGreaterThanOrEqual(before);
        expect(time).toBeLessThan(START + days * DAY);
        before = time;
        tasteAt(latents, constants, user, time, taste);
        expect(new Set(rows.map(({ item }) => item)).size).toBe(rows.length);
        const reached = [0, 1, 2, 3].map((stage) => rows.filter((row) => row.stage === stage));
        expect(reached[3]!.map(({ place }) => place)).toEqual(reached[3]!.map((_, i) => i + 1));
        expect(reached[3]!.length).toBeLessThanOrEqual(cascade.shown);
        for (const unshown of reached.slice(0, 3)) expect(unshown.length).toBeLessThanOrEqual(candidates);
        // What the ranker puts further back it also scores lower.
        const asked = rows.filter(({ ranker }) => !Number.isNaN(ranker));
        expect(asked.map(({ ranker }) => ranker)).toEqual(asked.map(({ ranker }) => ranker).sort((a, b) => b - a));
        for (const row of rows) {
          expect([row.user, row.time, row.request]).toEqual([user, time, request]);
          const logit = people.latents.mood[user]! + tasteLogit(latents, constants, taste, row.item, time);
          expect(row.truth).toBeCloseTo(logit, 9);
          expect(Number.isNaN(row.ranker)).toBe(row.stage === 0);
          if (row.stage === 3) {
            expect(sigmoid(row.chance)).toBeCloseTo(sigmoid(logit) * examination(row.place - 1, positionBias), 9);
          } else expect([row.place, row.click, row.chance]).toEqual([0, 0, Number.NaN]);
        }
      }
    }),
    { numRuns: 15 },
  );
});

test('an item is not found before its release', () => {
  const world = worldOf({ users: 30, items: 50, days: 5, newItems: 0.8, requestsPerDay: 2, cascade: SMALL });
  const { release } = world.catalogue.latents;
  const rows = [...loggedRequests(world)].flat();
  expect(rows.length).toBeGreaterThan(500);
  expect(rows.every(({ item, time }) => (time - START) / DAY >= release[item]!)).toBe(true);
  // Some appear within the log and are shown then.
  expect(rows.some(({ item, stage }) => release[item]! > 1 && stage === 3)).toBe(true);
});

const SMALL = { retrieve: 20, prerank: 12, rank: 8, shown: 5 };

test('the same seed gives the same log, another one another', () => {
  const input = { users: 10, items: 40, days: 2, requestsPerDay: 3, cascade: SMALL };
  expect(logOf(input)).toEqual(logOf(input));
  expect(logOf({ ...input, seed: 2 })).not.toEqual(logOf(input));
});

test('requests come as often as they should, and more of them in the evening', () => {
  const requests = logOf({ users: 200, items: 40, days: 10, requestsPerDay: 1, cascade: SMALL });
  // 2,000 are expected, with a deviation of 45.
  expect(Math.abs(requests.length - 2000)).toBeLessThan(180);
  const hours = requests.map(([row]) => (row!.time % DAY) / 3600);
  const evening = hours.filter((hour) => hour >= 18 && hour < 22).length;
  const morning = hours.filter((hour) => hour >= 6 && hour < 10).length;
  expect(evening).toBeGreaterThan(2 * morning);
});

test('clicks come as often as the chance says, and nothing ranks them better', () => {
  const rows = logOf({ users: 300, items: 200, days: 10, requestsPerDay: 1, cascade: SMALL }).flat();
  const shown = rows.filter(({ stage }) => stage === 3);
  const chances = shown.map(({ chance }) => sigmoid(chance));
  const clicks = shown.reduce((sum, { click }) => sum + click, 0);
  const expected = chances.reduce((a, b) => a + b, 0);
  const deviation = Math.sqrt(chances.reduce((sum, p) => sum + p * (1 - p), 0));
  expect(Math.abs(clicks - expected)).toBeLessThan(4 * deviation);
  // Share of pairs of a clicked and an unclicked row that the score puts in the right order.
  const right = (name: 'truth' | 'chance' | 'ranker') => {
    const of = (click: number) => shown.filter((row) => row.click === click).map((row) => row[name]);
    const unclicked = of(0).filter((_, i) => i % 10 === 0);
    const wins = of(1).map((score) => unclicked.filter((other) => other < score).length);
    return wins.reduce((a, b) => a + b, 0) / (wins.length * unclicked.length);
  };
  expect(right('chance')).toBeGreaterThan(right('truth') + 0.01);
  expect(right('truth')).toBeGreaterThan(0.6);
  expect(right('ranker')).toBeLessThan(right('chance') - 0.02);
});

test('what came further is better, though not always', () => {
  const rows = logOf({ users: 100, items: 300, days: 10, requestsPerDay: 1 }).flat();
  const mean = (stage: number) => {
    const of = rows.filter((row: LoggedRow) => row.stage === stage).map(({ truth }) => sigmoid(truth));
    return of.reduce((a, b) => a + b, 0) / of.length;
  };
  const means = [0, 1, 2, 3].map(mean);
  expect(means).toEqual([...means].sort((a, b) => a - b));
  expect(means[3]).toBeGreaterThan(1.5 * means[2]!);
});

test('sizes that cannot be are refused', () => {
  const problem = (input: unknown) => funnelOptions.safeParse(input).error?.issues[0]?.message;
  expect(problem({ items: 50 })).toBe('100 items cannot be kept of the 50 that there are');
  expect(problem({ cascade: { shown: 30 } })).toBe('30 items cannot be kept of the 20 that rank hands on');
  expect(problem({ drift: 2 })).toContain('1');
  expect(problem({})).toBeUndefined();
});
