import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import pino from 'pino';
import { expect, test } from 'vitest';
import { FakeHost } from './testing/fake-host.js';
import { openRequest, startService } from './testing/start.js';

test('more rows than one change may have are refused', async () => {
  const { call, writeKey: key } = await startService({ limits: { rows: 2 } });
  expect((await call('DELETE', '/v1/items', { keys: [1, 2] }, { key })).status).toBe(200);
  expect((await call('DELETE', '/v1/items', { keys: [3, 4, 5] }, { key })).status).toBe(400);
});

test('too many requests of one client are 429, of all together 503, and room comes back', async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const host = new FakeHost({ held });
  const { call, readKey, writeKey } = await startService({ host, limits: { concurrency: 6, perClient: 4 } });
  const flood = (key: string, count: number) =>
    Array.from({ length: count }, () => call('POST', '/v1/recommend', {}, { key }));
  // Nothing that was taken ends before all that is too much has been refused.
  const first = flood(readKey, 10);
  const overLimit = await answered(first, 6);
  const second = flood(writeKey, 10);
  const overAll = await answered(second, 8);
  expect(overLimit.map(({ status }) => status)).toEqual(Array(6).fill(429));
  expect(overAll.map(({ status }) => status)).toEqual(Array(8).fill(503));
  for (const { headers } of [...overLimit, ...overAll]) expect(headers['retry-after']).toBe('1');
  release();
  const taken = (await Promise.all([...first, ...second])).filter(({ status }) => status === 200);
  expect(taken.length).toBe(6);
  expect((await call('POST', '/v1/recommend', {})).status).toBe(200);
});

test('under five times the load the queue is bounded, what it takes it answers, and afterwards all is as before', async () => {
  const host = new FakeHost({ workMs: 2, queue: 8 });
  const { call, service } = await startService({ host });
  const answers = await Promise.all(Array.from({ length: 150 }, () => call('POST', '/v1/recommend', {})));
  const good = answers.filter(({ status }) => status === 200).length;
  expect(good).toBeGreaterThanOrEqual(8);
  expect(good + answers.filter(({ status }) => status === 503).length).toBe(150);
  expect(host.asked.length).toBe(good);
  const after = await Promise.all(Array.from({ length: 8 }, () => call('POST', '/v1/recommend', {})));
  expect(after.map(({ status }) => status)).toEqual(Array(8).fill(200));
  expect((await service.app.inject('/metrics')).body).toMatch(/twotower_http_under_way 1\n/);
});

test('a request that would be refused is not read, and nobody is kept from what asks for no scores', async () => {
  const host = new FakeHost({ workMs: 20, queue: 0 });
  const { call, url, service } = await startService({ host });
  const first = call('POST', '/v1/recommend', {});
  await wait(5);
  // Its body never comes.
  const answer = await new Promise<{ status: number; said: string; headers: object }>((resolve, reject) => {
    const request = openRequest(url, '/v1/rank', { 'content-type': 'application/json', 'content-length': '1000' });
    request.on('error', reject);
    request.on('response', (response) => {
      let said = '';
      response.on('data', (data) => {
        said += data;
      });
      response.on('end', () => resolve({ status: response.statusCode!, said, headers: response.headers }));
    });
    request.write('{');
  });
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.said).error.code).toBe('OVERLOADED');
  expect(answer.headers).toMatchObject({ 'retry-after': '1', 'content-type': 'application/json; charset=utf-8' });
  expect((await call('GET', '/v1/items/1')).status).toBe(200);
  expect((await first).status).toBe(200);
  expect((await service.app.inject('/metrics')).body).toMatch(/route="POST \/v1\/rank",status="503"} 1/);
});

test('thousands that are turned away are one line of the log a second', async () => {
  const lines: string[] = [];
  const log = pino({ base: {} }, { write: (line) => void lines.push(line) });
  const { call } = await startService({ host: new FakeHost({ workMs: 30, queue: 0 }), log });
  const first = call('POST', '/v1/recommend', {});
  await wait(5);
  const { length } = (await Promise.all([1, 2, 3].map(() => call('POST', '/v1/rank', {})))).filter(
    ({ status }) => status === 503,
  );
  await first;
  await wait(1_100);
  expect(length).toBeGreaterThan(0);
  expect(lines.map((line) => JSON.parse(line)).filter(({ turnedAway }) => turnedAway > 0)).toMatchObject([
    { code: 'OVERLOADED', turnedAway: length, level: 40 },
  ]);
});

test('clients that go away while they are served leave nothing behind', async () => {
  const host = new FakeHost({ workMs: 30 });
  const { call, url } = await startService({ host, limits: { concurrency: 4 } });
  for (let i = 0; i < 3; i++) {
    const request = openRequest(url, '/v1/recommend', { 'content-type': 'application/json' });
    request.on('error', () => {});
    request.end('{}');
    await wait(10);
    request.destroy();
  }
  await host.close();
  const after = await Promise.all(Array.from({ length: 4 }, () => call('POST', '/v1/recommend', {})));
  expect(after.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

test('a client that sends its headers or body too slowly is cut off', async () => {
  const { url } = await startService({ timeouts: { headersMs: 200, requestMs: 400, idleMs: 2_000 } });
  const { hostname, port } = new URL(url);
  const trickle = (text: string) =>
    new Promise<string>((resolve) => {
      let said = '';
      const socket = connect(Number(port), hostname, () => socket.write(text));
      const drip = setInterval(() => socket.write('x'), 50);
      socket.on('data', (data) => {
        said += data;
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        clearInterval(drip);
        resolve(said);
      });
    });
  expect(await trickle('POST /v1/recommend HTTP/1.1\r\nhost: localhost\r\nx-slow: ')).toMatch(
    /^HTTP\/1\.1 408 .*REQUEST_TIMEOUT/s,
  );
  expect(
    await trickle(
      'POST /v1/recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{"',
    ),
  ).toMatch(/^HTTP\/1\.1 408 .*REQUEST_TIMEOUT/s);
});

test('what is not HTTP is answered and closed', async () => {
  const { url } = await startService();
  const { hostname, port } = new URL(url);
  const said = await new Promise<string>((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write('\x16\x03\x01hello\r\n\r\n'));
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('close', () => resolve(text));
  });
  expect(said).toMatch(/^HTTP\/1\.1 400 .*BODY_MALFORMED/s);
});

/** The first `count` answers of these calls. */
function answered<T>(calls: readonly Promise<T>[], count: number): Promise<T[]> {
  const answers: T[] = [];
  return new Promise((resolve, reject) => {
    for (const call of calls) {
      call.then((answer) => answers.push(answer) === count && resolve(answers.slice()), reject);
    }
  });
}
