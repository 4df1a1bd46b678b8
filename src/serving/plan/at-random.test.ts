import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../random.js';
import { atRandom, exceededBy, spellsOf } from './at-random.js';
import { momentsOf } from './paced.js';

/** Answers each request after so many milliseconds as its body says, and refuses those that say none. */
let server: Server;
let url: URL;
const arrived: number[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    arrived.push(performance.now());
    let body = '';
    for await (const chunk of request) body += chunk;
    if (body !== '') await new Promise((resolve) => setTimeout(resolve, Number(body)));
    response.writeHead(body === '' ? 503 : 200, { 'content-length': 2 }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterAll(() => server.close());

const shot = (body: string) => ({ path: '/', headers: {}, body });

test('requests come at the moments that were drawn, and take what they take, in the order in which they were sent', async () => {
  arrived.length = 0;
  const [perSecond, seconds] = [200, 0.5];
  const found = await atRandom(url, [shot('1'), shot('60'), shot('')], perSecond, seconds, Random.of(1, 'test'));
  const moments = momentsOf(perSecond, 100, Random.of(1, 'test'));
  expect(arrived.length).toBe(100);
  const [first, last] = [arrived[0]! - moments[0]!, arrived[99]! - moments[99]!];
  // Neither all at once nor each after the one before was answered.
  expect(Math.abs(last - first)).toBeLessThan(250);
  expect(found).toMatchObject({ perSecond, refused: 33 });
  expect(found.times.length).toBe(67);
  expect(found.clientMs).toBeGreaterThan(0);
  const slow = found.times.filter((_, i) => i % 2 === 1);
  expect(Math.min(...slow)).toBeGreaterThan(58);
  expect(found.times[0]).toBeLessThan(Math.min(...slow));
});

test('moments at random are as many a second as was asked, and not evenly spaced', () => {
  const moments = momentsOf(1000, 20_000, Random.of(2, 'test'));
  const gaps = moments.map((moment, i) => moment - (moments[i - 1] ?? 0));
  const mean = gaps.reduce((a, b) => a + b, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  expect(Math.abs(mean - 1)).toBeLessThan(0.03);
  expect(Math.abs(variance - 1)).toBeLessThan(0.06);
  expect([...momentsOf(100, 3)]).toEqual([10, 20, 30]);
});

test('a spell in which everything stopped is not the middle one', () => {
  const times = Float64Array.from({ length: 1000 }, (_, i) => (i % 100) + (i >= 800 ? 5000 : 0));
  const spells = spellsOf({ perSecond: 1, times, clientMs: 0, refused: 0 });
  expect(spells.map(({ length }) => length)).toEqual([200, 200, 200, 200, 200]);
  expect(exceededBy(0.01, spells)).toBe(99);
  expect(exceededBy(0.5, spells)).toBe(50);
  // Fewer than there are spells.
  expect(spellsOf({ perSecond: 1, times: Float64Array.of(3), clientMs: 0, refused: 0 })).toEqual([Float64Array.of(3)]);
});
