import { expect, test } from 'vitest';
import { Random } from '../../random.js';
import { p99Of, waiting } from './queue.js';
import { CONSTANT } from './spread.js';
import { stallsOf, standstill } from './stalls.js';

const SERVICE_MS = 1;

/** One thread that takes a millisecond for each request, and after each one of `every` stands still for `ms`, on average. */
function times(perSecond: number, every: number, ms: number): Float64Array {
  const random = Random.of(1, 'stalls');
  const exponential = (mean: number) => -mean * Math.log(1 - random.uniform());
  let [now, free] = [0, 0];
  return Float64Array.from({ length: 200_000 }, () => {
    now += exponential(1000 / perSecond);
    const done = Math.max(now, free) + SERVICE_MS;
    free = random.uniform() < 1 / every ? done + exponential(ms) : done;
    return done - now;
  }).sort();
}

const NEVER = { utilisation: 0, chance: 0, mean: 0, rate: Infinity };
const way = (perSecond: number) => ({
  parts: [
    { mean: SERVICE_MS, spread: CONSTANT },
    { mean: 0, spread: CONSTANT },
  ] as [{ mean: number; spread: typeof CONSTANT }, { mean: number; spread: typeof CONSTANT }],
  service: waiting({ servers: 1, service: SERVICE_MS, variation: 0, perSecond }),
  worker: NEVER,
  busiest: (perSecond * SERVICE_MS) / 1000,
});

test.each([
  [400, 200, 6],
  [400, 300, 12],
  [400, 100, 4],
])('what stands still at %i/s after one of %i requests for %i ms says how late the latest are', (known, every, ms) => {
  const { stallMs, stallShare } = stallsOf([times(known, every, ms)], way(known));
  for (const perSecond of [200, 400, 600]) {
    const { parts, service, worker, busiest } = way(perSecond);
    const found = p99Of(parts, [service, worker, standstill(busiest, stallMs, stallShare)]);
    const really = times(perSecond, every, ms);
    const ratio = found / really[Math.floor(0.99 * really.length)]!;
    // Where it was measured by its making; elsewhere as far as that carries.
    expect(Math.abs(ratio - 1), `${perSecond}/s`).toBeLessThan(perSecond === known ? 0.08 : 0.2);
  }
});

test('where nothing stands still, next to nothing is found', () => {
  const { stallMs, stallShare } = stallsOf([times(400, Infinity, 0)], way(400));
  // Times of service do not fall off as exponential ones: that is all there is to find.
  expect((0.4 / 0.6) * stallMs * stallShare).toBeLessThan(0.1 * SERVICE_MS);
  expect(stallsOf([Float64Array.of(1, 1, 1, 1)], way(400))).toEqual({ stallMs: 0, stallShare: 0 });
});

test('of several spells the middle one counts', () => {
  const usual = times(300, 200, 10);
  const stopped = usual.map((time, i) => (i > 0.9 * usual.length ? time + 300 : time));
  expect(stallsOf([usual, stopped, usual], way(300))).toEqual(stallsOf([usual], way(300)));
});
