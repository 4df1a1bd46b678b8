import { expect, test } from 'vitest';
import { Random } from '../../random.js';
import { decay, erlangC, exceeding, p99Of, waiting } from './queue.js';
import { CONSTANT, type Spread, spreadOf, variationOf } from './spread.js';

const NOTHING = { mean: 0, spread: CONSTANT };
const NEVER = { utilisation: 0, chance: 0, mean: 0, rate: Infinity };

test('Erlang C is the utilisation of one server, and what the tables say of more', () => {
  expect(erlangC(1, 0.7)).toBeCloseTo(0.7, 12);
  // Two servers: ρ = a/2, C = 2ρ² / (1 + ρ).
  expect(erlangC(2, 1)).toBeCloseTo((2 * 0.25) / 1.5, 12);
  expect(erlangC(4, 4)).toBe(1);
  expect(erlangC(500, 450)).toBeGreaterThan(0);
});

test('long waits become rare as the equation says', () => {
  for (const utilisation of [0.1, 0.5, 0.9, 0.99]) {
    const x = decay(utilisation);
    expect(x).toBeGreaterThan(0);
    expect(utilisation * Math.expm1(x)).toBeCloseTo(x, 9);
    // Exponential times: long waits at one server fall off as e^(−(1 − ρ)t/s).
    expect(decay(utilisation, 1)).toBeCloseTo(1 - utilisation, 9);
    expect(decay(utilisation, 1e-6)).toBeCloseTo(x, 3);
  }
});

test('a full station waits without end, an empty one not at all', () => {
  const station = { servers: 2, service: 10, variation: 0.5 };
  expect(waiting({ ...station, perSecond: 200 })).toEqual({
    utilisation: 1,
    chance: 1,
    mean: Infinity,
    rate: 0,
  });
  expect(waiting({ ...station, perSecond: 0 })).toEqual(NEVER);
});

test('one server waits as Pollaczek and Khinchine say', () => {
  // ρ = 0.5: half a time of service where all take as long, a whole one where times are exponential.
  const wait = (variation: number) => waiting({ servers: 1, service: 10, variation, perSecond: 50 });
  expect(wait(0).mean).toBeCloseTo(5, 12);
  expect(wait(1).mean).toBeCloseTo(10, 12);
  expect(wait(3).mean).toBeCloseTo(20, 12);
  // M/M/1: P(W > t) = ρ e^(−t/20).
  expect(p99Of([NOTHING, NOTHING], [wait(1), NEVER])).toBeCloseTo(20 * Math.log(50), 4);
});

/** A time of service of this mean: the sum of so many exponential ones, whose variation is 1/stages; without stages constant. */
function served(random: Random, service: number, stages: number): number {
  if (stages === 0) return service;
  let time = 0;
  for (let i = 0; i < stages; i++) time -= (service / stages) * Math.log(1 - random.uniform());
  return time;
}

interface Simulated {
  /** When requests come and when they are through, in that order of coming. */
  arrived: Float64Array;
  done: Float64Array;
  waits: Float64Array;
}

/** A queue before so many servers. */
function simulated(servers: number, service: number, stages: number, arrived: Float64Array): Simulated {
  const random = Random.of(1, `service ${servers}`);
  const free = new Float64Array(servers);
  const waits = new Float64Array(arrived.length);
  const done = new Float64Array(arrived.length);
  for (const [i, now] of arrived.entries()) {
    const first = free.indexOf(Math.min(...free));
    const start = Math.max(now, free[first]!);
    waits[i] = start - now;
    done[i] = free[first] = start + served(random, service, stages);
  }
  return { arrived, done, waits };
}

function poisson(perSecond: number, count = 200_000): Float64Array {
  const random = Random.of(1, 'queue');
  let now = 0;
  return Float64Array.from({ length: count }, () => {
    now += (-1000 / perSecond) * Math.log(1 - random.uniform());
    return now;
  });
}

const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;
const p99 = (values: Float64Array) => values.toSorted()[Math.floor(0.99 * values.length)]!;

test.each([
  [1, 10, 50, 0],
  [1, 10, 80, 0],
  [2, 10, 160, 0],
  [4, 10, 340, 0],
  [1, 10, 50, 2],
  [1, 10, 80, 1],
  [3, 10, 240, 2],
])(
  '%i servers of %i ms at %i/s, in %i stages, wait about as long as simulated ones',
  (servers, service, perSecond, stages) => {
    const wait = waiting({ servers, service, variation: stages === 0 ? 0 : 1 / stages, perSecond });
    const { waits } = simulated(servers, service, stages, poisson(perSecond));
    expect(Math.abs(wait.mean - mean(waits))).toBeLessThan(0.1 * mean(waits));
    const longest = p99Of([NOTHING, NOTHING], [wait, NEVER]);
    expect(Math.abs(longest - p99(waits))).toBeLessThan(0.15 * p99(waits));
  },
);

test.each([
  [1, 4, 100, 4],
  [2, 10, 120, 2],
  [1, 6, 100, 1],
])('two stations behind each other: %i worker(s) of %i ms at %i/s, in %i stages', (workers, ms, perSecond, stages) => {
  const variation = 1 / stages;
  const front = { servers: 1, service: 3, variation, perSecond };
  const back = { servers: workers, service: ms, variation, perSecond };
  const waits = [waiting(front), waiting(back)] as const;
  const total = front.service + back.service + waits[0].mean + waits[1].mean;
  const first = simulated(1, front.service, stages, poisson(perSecond));
  // With two workers requests leave in another order than they came: each still has its own time.
  const order = Array.from(first.done.keys()).sort((a, b) => first.done[a]! - first.done[b]!);
  const second = simulated(
    workers,
    ms,
    stages,
    Float64Array.from(order, (i) => first.done[i]!),
  );
  const latency = Float64Array.from(order, (i, place) => second.done[place]! - first.arrived[i]!);
  expect(Math.abs(total - mean(latency))).toBeLessThan(0.1 * mean(latency));
  const parts = [front, back].map(({ service }) => ({ mean: service, spread: spreadIn(stages) }));
  const longest = p99Of([parts[0]!, parts[1]!], waits);
  expect(Math.abs(longest - p99(latency))).toBeLessThan(0.15 * p99(latency));
});

/** Of times in so many stages. */
function spreadIn(stages: number): Spread {
  const random = Random.of(1, 'spread');
  return spreadOf(Array.from({ length: 20_000 }, () => served(random, 1, stages)));
}

test('99 of 100 of what is known', () => {
  expect(p99Of([{ mean: 10, spread: CONSTANT }, NOTHING], [NEVER, NEVER])).toBeCloseTo(10, 4);
  // Exponential: ln(100) means. Two of them: the t with (1 + t) e^(−t) = 0.01.
  const always = (mean: number) => ({ utilisation: 1, chance: 1, mean, rate: 1 / mean });
  expect(p99Of([NOTHING, NOTHING], [always(10), NEVER])).toBeCloseTo(10 * Math.log(100), 3);
  expect(p99Of([NOTHING, NOTHING], [always(10), always(10)])).toBeCloseTo(66.38, 1);
  // Three: the t with (1 + t + t²/2) e^(−t) = 0.01.
  expect(p99Of([NOTHING, NOTHING], [always(10), always(10), always(10)])).toBeCloseTo(84.06, 1);
  expect(p99Of([NOTHING, NOTHING], [{ ...NEVER, mean: Infinity }, NEVER])).toBe(Infinity);
});

test('waits that not everybody has are added as the chances say', () => {
  const wait = (chance: number, mean: number) => ({ utilisation: 0.5, chance, mean: chance * mean, rate: 1 / mean });
  const waits = [wait(0.3, 2), wait(0.5, 5), wait(0.1, 20)];
  const random = Random.of(1, 'waits');
  const drawn = Float64Array.from({ length: 400_000 }, () =>
    waits.reduce((sum, { chance, rate }) => {
      return sum + (random.uniform() < chance ? -Math.log(1 - random.uniform()) / rate : 0);
    }, 0),
  );
  const exceeds = exceeding([NOTHING, NOTHING], waits);
  for (const t of [0, 1, 5, 20, 50]) {
    expect(Math.abs(exceeds(t) - drawn.filter((one) => one > t).length / drawn.length)).toBeLessThan(0.002);
  }
  expect(Math.abs(p99Of([NOTHING, NOTHING], waits) - p99(drawn))).toBeLessThan(0.05 * p99(drawn));
});

test('a rare pause is what 99 of 100 do not see, and a less rare one is what they see', () => {
  const times = (pauses: number) => Array.from({ length: 1000 }, (_, i) => (i < pauses ? 20 : 1));
  const longest = (pauses: number) => {
    const spread = spreadOf(times(pauses));
    return p99Of([{ mean: 1, spread }, NOTHING], [NEVER, NEVER]);
  };
  expect(longest(1)).toBeCloseTo(1, 4);
  expect(longest(30)).toBeGreaterThan(10);
  expect(variationOf(spreadOf(times(30)))).toBeCloseTo((0.97 + 0.03 * 400) / 1.57 ** 2 - 1, 6);
});
