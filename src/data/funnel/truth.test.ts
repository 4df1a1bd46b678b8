import { expect, test } from 'vitest';
import { DAY, funnelOptions, START } from './options.js';
import { examination, FACETS, type Latents, sigmoid, summaryWeights, tasteAt, tasteLogit, WIDTH } from './truth.js';
import { drawWorld } from './world.js';

/** One user and one item with nothing but zeros. */
function blank(): Latents {
  const users = { home: WIDTH, early: WIDTH, late: WIDTH };
  const zeros = (length: number) => new Float32Array(length);
  return {
    users: {
      count: 1,
      mood: zeros(1),
      home: zeros(users.home),
      early: zeros(users.early),
      late: zeros(users.late),
    },
    items: {
      count: 1,
      quality: zeros(1),
      release: zeros(1),
      hour: zeros(1),
      vector: zeros(WIDTH),
      facets: zeros(FACETS * WIDTH),
    },
  };
}

const { constants } = drawWorld(funnelOptions.parse({ users: 1, items: 100, days: 10, interaction: 0.36, drift: 1 }));

test('the formula, term by term', () => {
  const latents = blank();
  const taste = new Float64Array(WIDTH);
  const at = (time: number) => tasteLogit(latents, constants, taste, 0, START + time);
  const dislike = (0.6 * 0.846284) / 0.747975;
  // Fresh and at its hour, but nobody has a taste.
  expect(at(0)).toBeCloseTo(-3.5 + 0.5 + 0.3 - 1.3 * dislike, 6);
  // Three days and twelve hours later: e^(−3.5/3) of the freshness, the worst hour.
  expect(at(3.5 * DAY)).toBeCloseTo(-3.5 + 0.5 * Math.exp(-3.5 / 3) - 0.3 - 1.3 * dislike, 6);
  latents.items.quality[0] = 0.25;
  taste[0] = 2;
  latents.items.vector[0] = 1;
  // The second facet is the best of three: 2 · 1, the others 0 and −2.
  latents.items.facets[1 * WIDTH] = 1;
  latents.items.facets[2 * WIDTH] = -1;
  const liking = (0.8 * 2) / Math.sqrt(8) + (0.6 * (2 - 0.846284)) / 0.747975;
  expect(at(0)).toBeCloseTo(-3.5 + 0.25 + 0.5 + 0.3 + 1.3 * liking, 6);
});

test('before its release an item is never clicked', () => {
  const latents = blank();
  latents.items.release[0] = 2;
  const at = (time: number) => tasteLogit(latents, constants, new Float64Array(WIDTH), 0, START + time);
  expect(at(2 * DAY - 1)).toBe(Number.NEGATIVE_INFINITY);
  expect(sigmoid(at(2 * DAY - 1))).toBe(0);
  expect(at(2 * DAY)).toBeGreaterThan(-10);
});

test('a taste turns from what it was to what it becomes', () => {
  const latents = blank();
  latents.users.home[0] = 1;
  latents.users.early[1] = 2;
  latents.users.late[2] = 3;
  const taste = new Float64Array(WIDTH);
  tasteAt(latents, constants, 0, START, taste);
  expect([...taste.subarray(0, 3)]).toEqual([1, 2, 0]);
  tasteAt(latents, constants, 0, START + 10 * DAY, taste);
  expect(taste[1]).toBeCloseTo(0, 12);
  expect(taste[2]).toBeCloseTo(3, 12);
});

test('without interaction two tastes add up, with it they do not', () => {
  const gap = (interaction: number) => {
    const world = drawWorld(funnelOptions.parse({ users: 2, items: 100, interaction }));
    const latents = { users: world.people.latents, items: world.catalogue.latents };
    const tastes = [0, 1].map((user) => {
      const taste = new Float64Array(WIDTH);
      tasteAt(latents, world.constants, user, START, taste);
      return taste;
    });
    const both = tastes[0]!.map((value, k) => value + tastes[1]![k]!);
    const nobody = new Float64Array(WIDTH);
    let largest = 0;
    for (let item = 0; item < 100; item++) {
      if (latents.items.release[item]! > 0) continue;
      const of = (taste: Float64Array) => tasteLogit(latents, world.constants, taste, item, START);
      largest = Math.max(largest, Math.abs(of(both) + of(nobody) - of(tastes[0]!) - of(tastes[1]!)));
    }
    return largest;
  };
  expect(gap(0)).toBeLessThan(1e-9);
  expect(gap(0.4)).toBeGreaterThan(0.5);
});

test('both terms of taste have mean 0 and variance 1, whatever the drift', () => {
  const spread = (interaction: number, day: number) => {
    const options = funnelOptions.parse({ users: 400, items: 400, interaction, newItems: 0, drift: 1 });
    const world = drawWorld(options);
    const latents = { users: world.people.latents, items: world.catalogue.latents };
    const time = START + day * DAY;
    const still = { ...world.constants, base: 0, hourGain: 0, strength: 1, freshness: { gain: 0, days: 1 } };
    latents.items.quality.fill(0);
    const taste = new Float64Array(WIDTH);
    let [sum, squares] = [0, 0];
    for (let user = 0; user < 400; user++) {
      tasteAt(latents, still, user, time, taste);
      for (let item = 0; item < 400; item++) {
        const value = tasteLogit(latents, still, taste, item, time);
        sum += value;
        squares += value ** 2;
      }
    }
    return { mean: sum / 160_000, variance: squares / 160_000 - (sum / 160_000) ** 2 };
  };
  for (const [interaction, day] of [
    [0, 0],
    [0, 7],
    [1, 0],
    [1, 14],
  ] as const) {
    const { mean, variance } = spread(interaction, day);
    // Segments and categories are few, so that one world is not the mean over all.
    expect(Math.abs(mean)).toBeLessThan(0.3);
    expect(variance).toBeGreaterThan(0.7);
    expect(variance).toBeLessThan(1.4);
  }
});

test('places are looked at ever less, and all of them without a bias', () => {
  expect([0, 3, 8].map((place) => examination(place, 0.5))).toEqual([1, 1 / 2, 1 / 3]);
  expect(examination(9, 0)).toBe(1);
});

test('the weights of the pre-ranker are those of the best inner product', () => {
  // Least squares of the standardised maximum of three normal numbers on their sum has slope 1/(3s).
  const { vector, facets } = summaryWeights(constants);
  expect(vector).toBeCloseTo(0.8 / Math.sqrt(8), 12);
  expect(facets).toBeCloseTo(0.6 / (3 * 0.747975), 12);
});
