import { expect, test } from 'vitest';
import type { Lane } from './lane.js';
import type { Job, JobResult } from './messages.js';
import { ShortWay } from './short-way.js';

const ranking = (candidates: number, user: object = { state: {} }) =>
  ({ candidates: new Int32Array(candidates), phases: [{ phase: 'rank', user }] }) as unknown as Job;

/** A lane whose runs take so many milliseconds each, the last one again and again. */
function lane(...times: number[]) {
  let runs = 0;
  const run = async () => {
    const ms = times[Math.min(runs++, times.length - 1)]!;
    return { reports: [{ phase: 'rank', in: 1000, kept: 1000, ms }] } as unknown as JobResult;
  };
  return { lane: { run } as unknown as Lane, runs: () => runs };
}

test('as many candidates as the fastest run could score in 0.2 ms', async () => {
  const way = new ShortWay(lane(9, 0.8, 0.4, 0.5).lane, () => 1);
  expect(way.takes(ranking(1))).toBe(false);
  await way.measure(ranking(1000));
  expect([way.takes(ranking(500)), way.takes(ranking(501))]).toEqual([true, false]);
});

test('ten times as many while the thread has nothing else to do', async () => {
  let busy = 0.7;
  const way = new ShortWay(lane(0.4).lane, () => busy);
  await way.measure(ranking(1000));
  expect(way.takes(ranking(501))).toBe(false);
  busy = 0.5;
  expect([way.takes(ranking(5000)), way.takes(ranking(5001))]).toEqual([true, false]);
  const first = way.run(ranking(5000));
  expect([way.takes(ranking(501)), way.takes(ranking(500))]).toEqual([false, true]);
  await first;
  expect(way.takes(ranking(501))).toBe(true);
});

test('by itself it looks at what this thread has done of late', async () => {
  const way = new ShortWay(lane(0.4).lane);
  await way.measure(ranking(1000));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(way.takes(ranking(501))).toBe(true);
  const end = performance.now() + 300;
  while (performance.now() < end);
  expect(way.takes(ranking(501))).toBe(false);
  expect(way.takes(ranking(500))).toBe(true);
});

test('only single rankings of users whose state is known', async () => {
  const way = new ShortWay(lane(0.1).lane);
  await way.measure(ranking(1000));
  const { phases, candidates } = ranking(1);
  expect(way.takes(ranking(1))).toBe(true);
  expect(way.takes(ranking(1, { feeds: {} }))).toBe(false);
  expect(way.takes({ phases, search: {} } as unknown as Job)).toBe(false);
  expect(way.takes({ phases: [{ ...phases[0]!, phase: 'prerank' }], candidates } as unknown as Job)).toBe(false);
});

test('phases that are far too slow are found out soon', async () => {
  const [slow, fast] = [lane(10), lane(3)];
  for (const { lane } of [slow, fast]) await new ShortWay(lane).measure(ranking(1000));
  expect([slow.runs(), fast.runs()]).toEqual([10, 40]);
});
