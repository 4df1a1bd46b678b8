import { readdirSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { TwoTowerClient } from '../client/client.js';
import { funnelOptions } from './funnel-log/log.js';
import { serviceOptions } from './http/options.js';
import { publish } from './publish.js';
import { type Serving, serve } from './serve.js';
import { eventually, noRedis, RedisServer } from './state/testing/redis-server.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from './testing/toy-store.js';

let toy: ToyRuns;
let redis: RedisServer;

beforeAll(async () => {
  if (noRedis) return;
  redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
  toy = await toyRuns('retrieve');
  await publish({ store: join(toy.folder, 'store'), phases: toy.plans });
}, TOY_TIMEOUT);
afterAll(async () => {
  await redis?.remove();
  await toy?.remove();
});

/** Servers of one store and one state, and a client of each. */
async function fleet(name: string, count: number) {
  const store = join(toy.folder, name);
  await cp(join(toy.folder, 'store'), store, { recursive: true });
  const said: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void said.push(line) });
  /** @param state empty for a single server */
  const start = async (state = `${redis.url}/0?name=${name}`) => {
    const server = await serve({
      store,
      state: state === '' ? undefined : state,
      service: serviceOptions.parse({ port: 0 }),
      funnel: funnelOptions.parse({ share: 1 }),
      engine: { workers: 0 },
      pollMs: 0,
      log,
    });
    let isStopped = false;
    const stop = async () => {
      if (!isStopped) await server.stop();
      isStopped = true;
    };
    onTestFinished(stop);
    return { ...server, stop, client: new TwoTowerClient({ url: server.url, key: server.writeKey! }) };
  };
  const servers = [];
  for (let i = 0; i < count; i++) servers.push(await start());
  return { store, servers, start, said };
}

const fresh = { category: 'g1', author: 'a1', tags: 's1,s50' };

async function serves(client: TwoTowerClient, item: string): Promise<boolean> {
  const { items } = await client.recommend({ user: 1, filter: { include: [item] }, k: 1 });
  return items.length === 1;
}

const get = async ({ url }: Pick<Serving, 'url'>, path: string) => (await fetch(url + path)).text();

describe.skipIf(noRedis)('a fleet', () => {
  test('an item that one server is told can be retrieved from all within a second, and from one that comes later', async () => {
    const { servers, start, store } = await fleet('told', 2);
    const [a, b] = servers.map(({ client }) => client) as [TwoTowerClient, TwoTowerClient];
    expect(await a.putItems([{ key: 'fresh', values: fresh }])).toEqual({ applied: 1, ignored: 0 });
    expect(await serves(a, 'fresh')).toBe(true);
    await eventually(() => serves(b, 'fresh'), 1_000);
    await b.addEvents([{ user: 'guest', item: 'fresh', feedback: { click: 1 } }]);
    await b.deleteItems([0]);
    await eventually(async () => (await a.item(0)) === undefined, 1_000);
    expect((await a.user('guest'))?.histories.clicks).toMatchObject([{ item: 'fresh' }]);
    const late = await start();
    expect(await serves(late.client, 'fresh')).toBe(true);
    expect((await late.client.user('guest'))?.histories.clicks).toHaveLength(1);
    // A version that comes later has all of it as well.
    await publish({ store, phases: toy.plans });
    for (const server of servers) await server.refresh();
    const { version } = await a.recommend({ user: 1 });
    expect(version).not.toBe((await late.client.recommend({ user: 1 })).version);
    expect([await serves(b, 'fresh'), await a.item(0)]).toEqual([true, undefined]);
  });

  test('both write the funnel log; feedback that comes to the other one is joined', async () => {
    const { servers } = await fleet('log', 2);
    const [a, b] = servers as [(typeof servers)[0], (typeof servers)[0]];
    const { requestId, items } = await a.client.recommend({ user: 1, k: 2 });
    await b.client.recommend({ user: 2, k: 2 });
    await b.client.addEvents([{ user: 1, item: items[0]!.item, feedback: { click: 1 }, requestId }]);
    const later = Date.now() + 86_400_000;
    expect([await a.flushFunnelLog(later), await b.flushFunnelLog(later)]).toEqual([{ requests: 1 }, { requests: 1 }]);
  });

  test('what a single server was told is carried over into a shared state that is new, and into no other', async () => {
    const { start, store, said } = await fleet('carried', 0);
    const single = await start('');
    await single.client.putItems([{ key: 'early', values: fresh }]);
    await single.client.addEvents([{ user: 'gone', item: 'early', feedback: { click: 1 } }]);
    await single.client.deleteUsers(['gone']);
    await single.client.addEvents([{ user: 'guest', item: 'early', feedback: { click: 1 } }]);
    await expect(start()).rejects.toMatchObject({
      code: 'SERVING_STATE',
      message: expect.stringContaining('another process'),
    });
    await single.stop();
    const [first, second] = [await start(), await start()];
    for (const { client } of [first, second]) {
      expect(await serves(client, 'early')).toBe(true);
      expect((await client.user('guest'))?.histories.clicks).toHaveLength(1);
      expect(await client.user('gone')).toBeUndefined();
    }
    expect(readdirSync(store)).toContain('state-carried-over');
    await (await start('')).stop();
    await start();
    expect(said.join('')).toContain('holds changes of a single server: they are not part of the shared state');
  });

  test('without Redis it serves what it knows and says so, refuses changes for a while, and catches up', async () => {
    const { servers, said } = await fleet('gone', 2);
    const [a, b] = servers as [(typeof servers)[0], (typeof servers)[0]];
    await a.client.putItems([{ key: 'before', values: fresh }]);
    await eventually(() => serves(b.client, 'before'), 1_000);
    await redis.stop();
    for (const server of [a, b]) {
      await eventually(async () => (await server.client.recommend({ user: 1 })).stale?.reason === 'unreachable');
      expect(await serves(server.client, 'before')).toBe(true);
      expect(JSON.parse(await get(server, '/readyz'))).toMatchObject({
        status: 'ready',
        stale: { reason: 'unreachable' },
      });
      expect(await get(server, '/metrics')).toContain('twotower_state_stale{reason="unreachable"} 1');
      const answer = await fetch(`${server.url}/v1/items`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${server.writeKey}` },
        body: JSON.stringify({ items: [{ key: 'refused', values: fresh }] }),
      });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(((await answer.json()) as { error: { code: string } }).error.code).toBe('NOT_STORED');
    }
    await redis.start();
    for (const { client } of [a, b]) {
      await eventually(async () => (await client.recommend({ user: 1 })).stale === undefined);
    }
    await b.client.putItems([{ key: 'after', values: fresh }]);
    await eventually(() => serves(a.client, 'after'), 1_000);
    expect(await serves(a.client, 'refused')).toBe(false);
    expect(await get(a, '/readyz')).toBe('{"status":"ready"}');
    expect(said.join('')).toContain('the shared state does not answer');
  });
});
