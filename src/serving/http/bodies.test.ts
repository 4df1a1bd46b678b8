import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_LIMITS, type RecommendRequest } from '../contract.js';
import { encodeFrame, FRAME_TYPE } from './frame.js';
import type { FakeHost } from './testing/fake-host.js';
import { startService } from './testing/start.js';

let shared: Awaited<ReturnType<typeof startService>>;
let end: () => Promise<void>;
beforeAll(async () => {
  shared = await startService({}, (ended) => {
    end = ended;
  });
});
afterAll(() => end());

const long = 'x'.repeat(10_000);
test.each<[string, RecommendRequest]>([
  ['nothing at all', {}],
  ['an unknown user', { user: 'nobody' }],
  ['__proto__ as a user', { user: '__proto__' }],
  ['constructor as a user', { user: 'constructor' }],
  ['a NUL', { user: 'a\0b', context: { surface: '\0' } }],
  ['10 kB ids', { user: long, filter: { include: [long] } }],
  ['half of a surrogate pair', { user: '\ud800' }],
  ['unknown columns', { context: { nothing: 1 }, userFields: { constructor: 'x' } }],
  ['empty lists', { filter: { include: [], exclude: [], where: [] }, histories: {} }],
])('%s is served', async (_, body) => {
  const { call } = shared;
  expect((await call('POST', '/v1/recommend', body)).status).toBe(200);
  expect((await call('POST', '/v1/rank', { ...body, filter: undefined, candidates: [body.user ?? 'x'] })).status).toBe(
    200,
  );
});

test.each<[string, string, string, string]>([
  ['/v1/recommend', '', '', 'BODY_MALFORMED'],
  ['/v1/recommend', 'null', '', 'BODY_INVALID'],
  ['/v1/recommend', '[]', '', 'BODY_INVALID'],
  ['/v1/recommend', '"x"', '', 'BODY_INVALID'],
  ['/v1/recommend', '{"k":NaN}', '', 'BODY_MALFORMED'],
  ['/v1/recommend', '{"k":1e999}', 'k', 'BODY_INVALID'],
  ['/v1/recommend', '{"k":0}', 'k', 'BODY_INVALID'],
  ['/v1/recommend', '{"k":"3"}', 'k', 'BODY_INVALID'],
  ['/v1/recommend', '{"time":1e999}', 'time', 'BODY_INVALID'],
  ['/v1/recommend', '{"user":1.5}', 'user', 'BODY_INVALID'],
  ['/v1/recommend', '{"user":{}}', 'user', 'BODY_INVALID'],
  ['/v1/recommend', '{"user":null}', 'user', 'BODY_INVALID'],
  ['/v1/recommend', '{"usr":1}', 'usr', 'BODY_INVALID'],
  ['/v1/recommend', '{"__proto__":1}', '', 'BODY_MALFORMED'],
  ['/v1/recommend', '{"context":{"a":1e999}}', 'context.a', 'BODY_INVALID'],
  ['/v1/recommend', '{"context":{"a":{}}}', 'context.a', 'BODY_INVALID'],
  ['/v1/recommend', '{"context":[]}', 'context', 'BODY_INVALID'],
  ['/v1/recommend', '{"histories":{"clicks":[{"item":1},{"time":3}]}}', 'histories.clicks[1].item', 'BODY_INVALID'],
  ['/v1/recommend', '{"filter":{"where":[{"field":"x","atleast":3}]}}', 'filter.where[0].atleast', 'BODY_INVALID'],
  ['/v1/recommend', '{"filter":{"include":[1,true]}}', 'filter.include[1]', 'BODY_INVALID'],
  ['/v1/recommend', '{"phases":{"rank":{"keep":-1}}}', 'phases.rank.keep', 'BODY_INVALID'],
  ['/v1/recommend', '{"phases":{"sort":true}}', 'phases.sort', 'BODY_INVALID'],
  ['/v1/recommend', '{"budgetMs":-3}', 'budgetMs', 'BODY_INVALID'],
  ['/v1/recommend', '{"explain":1}', 'explain', 'BODY_INVALID'],
  ['/v1/recommend', '{"version":"v9"}', '', 'REQUEST_INVALID'],
  ['/v1/rank', '{}', 'candidates', 'BODY_INVALID'],
  ['/v1/rank', '{"candidates":{}}', 'candidates', 'BODY_INVALID'],
  ['/v1/rank', '{"candidates":["a",null]}', 'candidates[1]', 'BODY_INVALID'],
  ['/v1/rank', '{"candidates":[1,2.5]}', 'candidates[1]', 'BODY_INVALID'],
  ['/v1/rank', '{"candidates":[1],"filter":{}}', 'filter', 'BODY_INVALID'],
  ['/v1/items/lookup', '{"keys":[]}', 'keys', 'BODY_INVALID'],
])('%s of %s is refused at "%s"', async (route, body, path, code) => {
  const { call } = shared;
  const { status, json } = await call('POST', route, body);
  expect(status).toBe(400);
  expect(json.error).toMatchObject({ code, ...(path !== '' && { path }) });
  if (path !== '') expect(json.error.message).toContain(path);
});

test('a misspelled key gets a suggestion', async () => {
  const { call } = shared;
  const { json } = await call('POST', '/v1/recommend', { explane: true });
  expect(json.error.message).toBe('explane: unknown key "explane", did you mean "explain"?');
});

test('a misnamed key is told of before the key that is missing for it', async () => {
  const { call } = shared;
  const { json } = await call('POST', '/v1/rank', { items: [1, 2] });
  expect(json.error).toMatchObject({ path: 'items', message: expect.stringContaining('unknown key "items"') });
});

test.each<[string, string, unknown, string]>([
  ['PUT', '/v1/items', { items: [] }, 'items'],
  ['PUT', '/v1/items', { items: [{ key: '', values: {} }] }, 'items[0].key'],
  ['PUT', '/v1/items', { items: [{ key: 'y'.repeat(1_025), values: {} }] }, 'items[0].key'],
  ['PUT', '/v1/items', { items: [{ key: 'a', values: { x: { deep: 1 } } }] }, 'items[0].values.x'],
  ['PUT', '/v1/users', { users: [{ values: {} }] }, 'users[0].key'],
  ['POST', '/v1/events', { events: [{ user: 1, item: 1, feedback: { click: 'yes' } }] }, 'events[0].feedback.click'],
  ['DELETE', '/v1/items', { keys: [null] }, 'keys[0]'],
])('%s %s of %j changes nothing', async (method, route, body, path) => {
  const { call, writeKey: key, host } = shared;
  const { status, json } = await call(method, route, body, { key });
  expect([status, json.error.path]).toEqual([400, path]);
  expect((host as FakeHost).items.size).toBe(20);
  expect((host as FakeHost).events).toEqual([]);
});

test('0, 1, the limit and one more candidate', async () => {
  const { call } = shared;
  const many = (count: number) => Array.from({ length: count }, (_, i) => i);
  for (const count of [0, 1, DEFAULT_LIMITS.candidates]) {
    const { status, json } = await call('POST', '/v1/rank', { candidates: many(count) });
    expect([status, json.items.length]).toEqual([200, count]);
  }
  const { status, json } = await call('POST', '/v1/rank', { candidates: many(DEFAULT_LIMITS.candidates + 1) });
  expect([status, json.error.code]).toEqual([400, 'REQUEST_INVALID']);
});

test('bodies that are too large, compressed, of another type or nested without end', async () => {
  const { call, writeKey: key } = shared;
  const big = 'x'.repeat(50 * 2 ** 20);
  for (const [method, path] of [
    ['POST', '/v1/recommend'],
    ['PUT', '/v1/items'],
  ] as const) {
    // The server answers and closes without reading to the end, which some clients see as a broken pipe.
    const answer = await call(method, path, `{"user":"${big}"}`, { key }).catch((error: Error) => error);
    if (!(answer instanceof Error)) expect([answer.status, answer.json.error.code]).toEqual([413, 'BODY_TOO_LARGE']);
  }
  const bomb = gzipSync(Buffer.alloc(20 * 2 ** 20, '['));
  const compressed = await call('POST', '/v1/recommend', bomb, { headers: { 'content-encoding': 'gzip' } });
  expect([compressed.status, compressed.json.error.code]).toEqual([415, 'MEDIA_TYPE']);
  const typed = await call('POST', '/v1/recommend', 'user=1', { headers: { 'content-type': 'text/plain' } });
  expect([typed.status, typed.json.error.code]).toEqual([415, 'MEDIA_TYPE']);
  const framed = await call('POST', '/v1/recommend', encodeFrame({ head: {}, arrays: {} }), {
    headers: { 'content-type': FRAME_TYPE },
  });
  expect([framed.status, framed.json.error.code]).toEqual([415, 'MEDIA_TYPE']);
  const deep = (key: string) => `{"${key}":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  for (const key of ['context', 'user', 'nothing'])
    expect((await call('POST', '/v1/recommend', deep(key))).status).toBe(400);
  expect((await call('POST', '/v1/recommend', `{"context":${deep('a')}}`)).status).toBe(400);
  expect((await call('POST', '/v1/recommend', {})).status).toBe(200);
});

test.each<[string, () => Uint8Array, string]>([
  ['no frame', () => Uint8Array.of(1, 2, 3), 'BODY_MALFORMED'],
  [
    'cut',
    () => encodeFrame({ head: {}, arrays: { candidates: Int32Array.of(1, 2, 3) } }).subarray(0, 50),
    'BODY_MALFORMED',
  ],
  ['without candidates', () => encodeFrame({ head: {}, arrays: {} }), 'BODY_INVALID'],
  ['with NaN', () => encodeFrame({ head: {}, arrays: { candidates: Float64Array.of(1, Number.NaN) } }), 'BODY_INVALID'],
  ['of float32', () => encodeFrame({ head: {}, arrays: { candidates: Float32Array.of(1) } }), 'BODY_INVALID'],
  [
    'with a wrong head',
    () => encodeFrame({ head: { k: 'x' }, arrays: { candidates: Int32Array.of(1) } }),
    'BODY_INVALID',
  ],
])('a frame %s is refused', async (_, frame, code) => {
  const { call } = shared;
  const { status, json } = await call('POST', '/v1/rank', frame(), { headers: { 'content-type': FRAME_TYPE } });
  expect([status, json.error.code]).toEqual([400, code]);
});
