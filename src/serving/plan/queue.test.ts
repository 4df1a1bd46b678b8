import { expect, test } from 'vitest';
import { Random } from '../../random.js';
import { decay, erlangC, gammaP99, waiting } from './queue.js';

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
    mean: Infinity,
    p99: Infinity,
    variance: Infinity,
  });
  expect(waiting({ ...station, perSecond: 0 })).toEqual({ utilisation: 0, mean: 0, p99: 0, variance: 0 });
});

test('one server waits as Pollaczek and Khinchine say', () => {
  // ρ = 0.5: half a time of service where all take as long, a whole one where times are exponential.
  const wait = (variation: number) => waiting({ servers: 1, service: 10, variation, perSecond: 50 });
  expect(wait(0).mean).toBeCloseTo(5, 12);
  expect(wait(1).mean).toBeCloseTo(10, 12);
  expect(wait(3).mean).toBeCloseTo(20, 12);
  // M/M/1: P(W > t) = ρ e^(−t/20), whose variance is 2ρ·20² − 10².
  expect(wait(1).p99).toBeCloseTo(20 * Math.log(50), 9);
  expect(wait(1).variance).toBeCloseTo(2 * 0.5 * 400 - 100, 9);
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
    expect(Math.abs(wait.p99 - p99(waits))).toBeLessThan(0.15 * p99(waits));
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
  const waits = [waiting(front), waiting(back)];
  const total = front.service + back.service + waits[0]!.mean + waits[1]!.mean;
  const variance = variation * (front.service ** 2 + back.service ** 2) + waits[0]!.variance + waits[1]!.variance;
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
  expect(Math.abs(gammaP99(total, variance) - p99(latency))).toBeLessThan(0.15 * p99(latency));
});

test('99 of 100 of known distributions', () => {
  expect(gammaP99(10, 0)).toBe(10);
  // Exponential: ln(100) means.
  expect(gammaP99(10, 100)).toBeCloseTo(10 * Math.log(100), 0);
  expect(gammaP99(Infinity, Infinity)).toBe(Infinity);
});
