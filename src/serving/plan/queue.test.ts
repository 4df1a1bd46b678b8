import { expect, test } from 'vitest';
import { Random } from '../../random.js';
import { decay, erlangC, waiting } from './queue.js';

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
  }
});

test('a full station waits without end, an empty one not at all', () => {
  expect(waiting({ servers: 2, service: 10, perSecond: 200 })).toEqual({
    utilisation: 1,
    mean: Infinity,
    p99: Infinity,
  });
  expect(waiting({ servers: 2, service: 10, perSecond: 0 })).toEqual({ utilisation: 0, mean: 0, p99: 0 });
});

/** Mean and 99th percentile of the waits of a simulated M/D/c queue. */
function simulated(servers: number, service: number, perSecond: number): { mean: number; p99: number } {
  const random = Random.of(1, 'queue');
  const free = new Float64Array(servers);
  const waits = new Float64Array(200_000);
  let now = 0;
  for (let i = 0; i < waits.length; i++) {
    now += (-1000 / perSecond) * Math.log(1 - random.uniform());
    const first = free.indexOf(Math.min(...free));
    const start = Math.max(now, free[first]!);
    waits[i] = start - now;
    free[first] = start + service;
  }
  waits.sort();
  return { mean: waits.reduce((a, b) => a + b, 0) / waits.length, p99: waits[Math.floor(0.99 * waits.length)]! };
}

test.each([
  [1, 10, 50],
  [1, 10, 80],
  [2, 10, 160],
  [4, 10, 340],
])('%i servers of %i ms at %i/s wait about as long as simulated ones', (servers, service, perSecond) => {
  const { mean, p99 } = waiting({ servers, service, perSecond });
  const found = simulated(servers, service, perSecond);
  expect(Math.abs(mean - found.mean)).toBeLessThan(0.1 * found.mean);
  expect(Math.abs(p99 - found.p99)).toBeLessThan(0.15 * found.p99);
});
