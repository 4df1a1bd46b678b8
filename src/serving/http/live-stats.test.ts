import { expect, test } from 'vitest';
import type { AnswerBase } from '../contract.js';
import { LiveStats } from './live-stats.js';

const answer = (version = 'v1', kept = 100): AnswerBase => ({
  version,
  phases: [{ phase: 'retrieve', in: 1000, kept, ms: 2 }],
  degraded: [],
  userKnown: true,
  timing: { queueMs: 0, totalMs: 1 },
});

test('percentiles are those of the answers, to a tenth', () => {
  let now = 1_000_000_000;
  const stats = new LiveStats(() => now);
  for (let ms = 1; ms <= 100; ms++) stats.response(200, ms);
  stats.response(503, 9_999);
  stats.response(500, 9_999);
  stats.response(400, 9_999);
  now += 5_000;
  const { series, lastMinute } = stats.snapshot();
  expect(series).toHaveLength(1);
  expect(series[0]).toMatchObject({ perSecond: 103 / 5, refused: 1, failures: 1 });
  for (const [name, wanted] of [
    ['p50', 50],
    ['p95', 95],
    ['p99', 99],
  ] as const) {
    expect(series[0]![name]! / wanted).toBeGreaterThanOrEqual(1);
    expect(series[0]![name]! / wanted).toBeLessThan(1.1);
    expect(lastMinute[name]).toBe(series[0]![name]);
  }
});

test('the interval under way and those over a quarter of an hour ago are not shown', () => {
  let now = 1_000_000_000;
  const stats = new LiveStats(() => now);
  for (let i = 0; i < 400; i++) {
    stats.response(200, 1);
    now += 5_000;
  }
  stats.response(200, 1);
  const { series } = stats.snapshot();
  expect(series).toHaveLength(180);
  expect(series.at(-1)!.time).toBe(now / 1000 - 5);
  now += 3_600_000;
  expect(stats.snapshot().series).toEqual([]);
});

test('the funnel is the mean of the last minute, version by version, of recommendations alone', () => {
  let now = 1_000_000_000;
  const stats = new LiveStats(() => now);
  stats.answer('recommend', '1', answer('v1', 50));
  now += 120_000;
  stats.answer('recommend', '1', answer('v1', 100));
  stats.answer('recommend', '2', answer('v1', 200));
  stats.answer('recommend', '3', answer('v2', 300));
  stats.answer('rank', undefined, answer('v2', 7));
  const { lastMinute, recentUsers } = stats.snapshot();
  expect(lastMinute.funnel).toEqual([
    { version: 'v1', phase: 'retrieve', requests: 2, in: 1000, kept: 150, ms: 2 },
    { version: 'v2', phase: 'retrieve', requests: 1, in: 1000, kept: 300, ms: 2 },
  ]);
  expect(lastMinute.versions).toEqual({ v1: 2, v2: 2 });
  expect(recentUsers.map(({ user }) => user)).toEqual(['3', '2', '1']);
});

test('nothing that was counted is no number', () => {
  expect(new LiveStats(() => 0).snapshot().lastMinute).toMatchObject({ requests: 0, p50: null, p99: null, funnel: [] });
});
