import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { PhaseTrace } from '../contract.js';
import { changeAnswer, itemAnswer, rankAnswer, recommendAnswer, userAnswer } from './answers.js';
import { decodeFrame, encodeFrame, FRAME_TYPE } from './frame.js';
import { KeyRing } from './keys.js';
import { serviceOptions } from './options.js';
import { createService } from './service.js';
import { FakeHost } from './testing/fake-host.js';
import { openRequest, startService } from './testing/start.js';

test('recommendations come as the engine gives them', async () => {
  const { host, call } = await startService();
  const asked = {
    user: 7,
    userFields: { age: 30, tags: ['a', 'b'] },
    context: { surface: 'home' },
    time: 1_700_000_000,
    histories: { clicks: [{ item: '3', time: 1_600_000_000 }, { item: { title: 'x' } }] },
    k: 3,
    filter: {
      include: [1, '2'],
      exclude: ['9'],
      where: [
        { field: 'price', atMost: 5 },
        { field: 'x', exists: false },
      ],
    },
    includeSeen: true,
    phases: { rank: false, prerank: { keep: 5 } },
    budgetMs: 20,
  };
  const { status, json, headers } = await call('POST', '/v1/recommend', { ...asked, version: 'v1' });
  expect(status).toBe(200);
  expect((host as FakeHost).asked[0]).toEqual({ ...asked, explain: false });
  expect(recommendAnswer.strict().parse(json)).toEqual(json);
  expect(json.items).toEqual([
    { item: '1', score: 1, phase: 'prerank' },
    { item: '2', score: 0.875, phase: 'prerank' },
    { item: '3', score: 0.75, phase: 'prerank' },
  ]);
  expect(json.requestId).toBe(headers['x-request-id']);
  expect(json.explain).toBeUndefined();
});

test('explain lists every phase', async () => {
  const { call } = await startService();
  const { json } = await call('POST', '/v1/recommend', { explain: true });
  expect(recommendAnswer.strict().parse(json)).toEqual(json);
  expect(json.explain.map(({ phase, kept }: PhaseTrace) => [phase, kept])).toEqual([
    ['retrieve', 20],
    ['prerank', 12],
  ]);
});

test('rank orders, with ties, duplicates and unknown items in the order of the request', async () => {
  const { call } = await startService();
  const { json } = await call('POST', '/v1/rank', { candidates: ['nobody', 3, '3', 12, 'none'] });
  expect(rankAnswer.strict().parse(json)).toEqual(json);
  expect(json.items).toEqual([12, 3, '3', 'nobody', 'none']);
  expect(json.scores).toEqual([4, 1, 1, -1, -1]);
  expect(json.unknown).toBe(2);
});

test.each([
  ['int32', Int32Array.of(2, 99, 5)],
  ['uint32', Uint32Array.of(2, 99, 5)],
  ['float64', Float64Array.of(2, 99, 5)],
  ['int64', BigInt64Array.of(2n, 99n, 5n)],
  ['uint64', BigUint64Array.of(2n, 99n, 5n)],
])('the binary form with %s keys says what the JSON form says', async (_, candidates) => {
  const { url, call } = await startService();
  const body = encodeFrame({ head: { user: 1, phase: 'prerank' }, arrays: { candidates } });
  const response = await fetch(`${url}/v1/rank`, { method: 'POST', headers: { 'content-type': FRAME_TYPE }, body });
  expect(response.headers.get('content-type')).toBe(FRAME_TYPE);
  const { head, arrays } = decodeFrame(new Uint8Array(await response.arrayBuffer()));
  expect([...(arrays.order as Uint32Array)]).toEqual([2, 0, 1]);
  expect(arrays.scores).toEqual(Float32Array.of(5 / 3, 2 / 3, -1));
  const { json } = await call('POST', '/v1/rank', { user: 1, phase: 'prerank', candidates: [2, 99, 5] });
  const { items, scores, requestId, ...rest } = json;
  expect(head).toEqual({ ...rest, requestId: head.requestId });
  expect(items).toEqual([5, 2, 99]);
  const mixed = await call('POST', '/v1/rank', body, {
    headers: { 'content-type': FRAME_TYPE, accept: 'application/json' },
  });
  expect(mixed.json.items.map(Number)).toEqual(items);
  expect(mixed.json.scores).toEqual(scores);
});

test('changes are applied and counted', async () => {
  const { call, writeKey: key, host } = await startService();
  const write = (method: string, path: string, body: unknown) => call(method, path, body, { key });
  const put = await write('PUT', '/v1/items', { items: [{ key: 'new', values: { title: 'New', tags: ['a', null] } }] });
  expect(changeAnswer.strict().parse(put.json)).toEqual({ applied: 1, ignored: 0 });
  const item = await call('GET', '/v1/items/new');
  expect(itemAnswer.strict().parse(item.json)).toEqual({ key: 'new', values: { title: 'New', tags: ['a', null] } });
  expect((await call('POST', '/v1/items/lookup', { keys: ['new', 'none', 1] })).json.items).toHaveLength(2);
  await write('PUT', '/v1/users', { users: [{ key: 5, values: { age: 40 } }] });
  await write('POST', '/v1/events', { events: [{ user: 5, item: 'new', time: 9, feedback: { click: 1 } }] });
  const user = await call('GET', '/v1/users/5');
  expect(userAnswer.strict().parse(user.json)).toEqual({
    key: '5',
    values: { age: 40 },
    histories: { clicks: [{ item: 'new', time: 9 }] },
  });
  expect((await write('DELETE', '/v1/items', { keys: ['new', 'new'] })).json).toEqual({ applied: 1, ignored: 1 });
  expect((await write('DELETE', '/v1/users', { keys: [5] })).json).toEqual({ applied: 1, ignored: 0 });
  expect((await call('GET', '/v1/items/new')).status).toBe(404);
  expect((await call('GET', '/v1/users/5')).status).toBe(404);
  expect((host as FakeHost).events[0]).toMatchObject({ user: '5', item: 'new', time: 9 });
});

test('a fault tells the client nothing of its inside, and the next request is served', async () => {
  const host = new FakeHost();
  const { call } = await startService({ host });
  host.failure = new Error('secret path /etc/passwd');
  const { status, text } = await call('POST', '/v1/recommend', {});
  expect(status).toBe(500);
  expect(text).not.toContain('secret');
  host.failure = undefined;
  expect((await call('POST', '/v1/recommend', {})).status).toBe(200);
});

test('health, readiness, metrics and the document of the API', async () => {
  const host = new FakeHost();
  const { call, writeKey: key } = await startService({ host });
  host.isReady = false;
  expect((await call('GET', '/healthz')).status).toBe(200);
  const early = await call('GET', '/readyz');
  expect([early.status, early.headers['retry-after']]).toEqual([503, '1']);
  expect((await call('PUT', '/v1/items', { items: [{ key: 1 }] }, { key })).json.error.code).toBe('NOT_READY');
  host.isReady = true;
  expect((await call('GET', '/readyz')).status).toBe(200);

  const { requestId } = (await call('POST', '/v1/recommend', { user: 7 })).json;
  await call(
    'POST',
    '/v1/events',
    { events: [{ user: 7, item: 1, feedback: { click: 1, skip: 0 }, requestId }] },
    { key },
  );
  const { text } = await call('GET', '/metrics');
  expect(text).toContain('twotower_http_responses_total{route="POST /v1/recommend",status="200"} 1');
  expect(text).toContain('twotower_phase_seconds_count{version="v1",phase="prerank"} 1');
  expect(text).toContain('twotower_feedback_total{version="v1",feedback="click"} 1');
  expect(text).not.toContain('feedback="skip"');
  expect(text).toContain('twotower_user_cache_hits{version="v1"} 3');
  expect(text).toContain('twotower_workers_busy_seconds{version="v1"} 1.5');
  expect(Number(/^twotower_service_busy_seconds (\S+)/m.exec(text)![1])).toBeGreaterThan(0);

  const { json } = await call('GET', '/openapi.json');
  expect(json.openapi).toBe('3.1.0');
  const schema = json.paths['/v1/rank'].post.requestBody.content['application/json'].schema;
  expect(schema.required).toEqual(['candidates']);
  expect(schema.properties.candidates).toMatchObject({ type: 'array' });
  expect(json.paths['/v1/items'].put.security).toEqual([{ bearer: [] }]);

  expect((await call('GET', '/v1/versions')).json.live[0].info.id).toBe('v1');
  expect((await call('GET', '/v1/stats')).json).toMatchObject({ ready: true, lastMinute: { requests: 1 } });
});

test('without keys a request that names another host is refused: pages cannot read through their visitors', async () => {
  const { url } = await startService();
  const ask = (host: string) =>
    new Promise<number>((resolve) => {
      const request = openRequest(url, '/v1/recommend', { host, 'content-type': 'application/json' });
      request.on('response', (response) => resolve(response.resume().statusCode!));
      request.end('{}');
    });
  expect(await ask('evil.example')).toBe(421);
  expect(await ask('localhost')).toBe(200);
  expect(await ask('[::1]:9')).toBe(200);
});

test('without keys it listens to nothing but loopback', async () => {
  const options = serviceOptions.parse({ host: '0.0.0.0' });
  const parts = {
    host: new FakeHost(),
    state: undefined as never,
    keys: new KeyRing([], true),
    options,
    log: undefined as never,
  };
  await expect(createService(parts)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('0.0.0.0'),
  });
});

test('draining answers what is under way, then takes nothing', async () => {
  const host = new FakeHost({ workMs: 50 });
  const { call, service } = await startService({ host });
  const underWay = [call('POST', '/v1/recommend', {}), call('POST', '/v1/recommend', {})];
  while (host.asked.length < 2) await wait(5);
  const drained = service.drain();
  expect((await Promise.all(underWay)).map(({ status }) => status)).toEqual([200, 200]);
  expect(await drained).toEqual({ clean: true });
  await expect(call('GET', '/healthz')).rejects.toThrow();
});

test('draining cuts what takes longer than it may', async () => {
  const host = new FakeHost({ workMs: 600 });
  const { call, service } = await startService({ host, timeouts: { drainMs: 50 } });
  const underWay = call('POST', '/v1/recommend', {}).catch(() => 'cut');
  while (host.asked.length < 1) await wait(5);
  expect(await service.drain()).toEqual({ clean: false });
  expect(await underWay).toBe('cut');
});
