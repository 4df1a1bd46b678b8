import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { killAfter, spawnModule } from '../../testing/child.js';
import { temporaryFolder } from '../../testing/folder.js';
import { clickOf, command, knowledge, type Replica, replica } from './testing/fleet.js';
import { eventually, noRedis, RedisServer } from './testing/redis-server.js';

const WRITER = new URL('testing/writer.ts', import.meta.url);

async function server(...settings: string[]): Promise<RedisServer> {
  const redis = await RedisServer.start(...settings);
  onTestFinished(() => redis.remove());
  return redis;
}

const staleness = ({ state }: Replica) => state.status().stale?.reason;
const put = ({ state }: Replica, key: string) => state.putItems([{ key, values: {} }]);

describe.skipIf(noRedis)('a state in Redis, and what may happen to it', () => {
  test('kill −9 of a server during its writes: the others have all that it acknowledged', async () => {
    const redis = await server();
    const store = await temporaryFolder();
    const other = await replica(redis.url, { store });
    const child = spawnModule(WRITER, redis.url, store);
    let said = '';
    child.stdout!.on('data', (data) => {
      said += data;
    });
    const read = once(child.stdout!, 'close');
    await killAfter(child, 150);
    await read;
    const lines = said.split('\n').slice(0, -1);
    const acknowledged = (kind: string) => lines.filter((line) => line.startsWith(kind)).length;
    const items = acknowledged('item');
    expect(items).toBeGreaterThan(0);
    await eventually(() => other.host.items.has(`k${items - 1}`), 1_000);
    await eventually(() => other.host.events.length >= acknowledged('event'), 1_000);
    const late = await replica(redis.url, { store });
    for (const { host } of [other, late]) {
      for (let i = 0; i < items; i++) expect(host.items.get(`k${i}`)).toEqual({ count: i });
      // One more may have been stored than was acknowledged.
      expect(host.events.length - acknowledged('event')).toBeOneOf([0, 1]);
    }
  });

  test('Redis ends and comes back: what is known is kept, changes are refused, then everybody catches up', async () => {
    const redis = await server('--appendonly', 'yes', '--appendfsync', 'always');
    const store = await temporaryFolder();
    const [a, b] = [await replica(redis.url, { store }), await replica(redis.url, { store })];
    await put(a, 'before');
    await redis.stop();
    await eventually(() => staleness(a) === 'unreachable' && staleness(b) === 'unreachable');
    await expect(put(a, 'meanwhile')).rejects.toMatchObject({ code: 'SERVING_STATE' });
    await expect(a.state.replay(a.host, () => {})).rejects.toMatchObject({ code: 'SERVING_STATE' });
    expect(a.host.items.has('before')).toBe(true);
    expect(a.said.filter((line) => line.startsWith('error'))).toHaveLength(1);
    await redis.start();
    await eventually(() => staleness(a) === undefined && staleness(b) === undefined);
    expect(await put(a, 'after')).toEqual({ applied: 1, ignored: 0 });
    await eventually(() => b.host.items.has('after'), 1_000);
    expect([a, b].map(({ host }) => host.items.has('meanwhile'))).toEqual([false, false]);
    expect(a.said.at(-1)).toMatch(/^info the shared state is back/);
  });

  test('it is emptied: that is told, the last known state stays, and changes are refused until it is as it was', async () => {
    const redis = await server();
    const store = await temporaryFolder();
    const a = await replica(redis.url, { store });
    await put(a, 'x');
    await command(redis.url, 'SAVE');
    await command(redis.url, 'FLUSHALL');
    // At the latest at the next look; a change finds it out at once.
    await expect(put(a, 'y')).rejects.toMatchObject({ code: 'SERVING_STATE' });
    await eventually(() => staleness(a) === 'lost');
    expect(a.state.status().stale!.detail).toBe('the shared state was lost: it is empty');
    expect(a.host.items.has('x')).toBe(true);
    expect(a.said.filter((line) => line.startsWith('error'))).toEqual([
      expect.stringMatching(/127\.0\.0\.1:\d+\/0: the shared state was lost: it is empty\..* remove fleet\.json/),
    ]);
    // Nor is it taken for an empty one by a server that starts.
    await expect(replica(redis.url, { store })).rejects.toThrow(/does not hold the state that/);
    await redis.stop('SIGKILL');
    await redis.start();
    await eventually(() => staleness(a) === undefined);
    expect(await put(a, 'z')).toEqual({ applied: 1, ignored: 0 });
    const late = await replica(redis.url, { store });
    expect(knowledge(late.host)).toEqual(knowledge(a.host));
  });

  test('emptied before anything was in it, it goes on', async () => {
    const redis = await server();
    const a = await replica(redis.url);
    await command(redis.url, 'FLUSHALL');
    await eventually(async () => (await command(redis.url, 'EXISTS', '{twotower}:meta')) === 1);
    expect(await put(a, 'x')).toEqual({ applied: 1, ignored: 0 });
  });

  test('it comes back with an older state: told, also where another server has gone on from there', async () => {
    const redis = await server();
    const store = await temporaryFolder();
    const a = await replica(redis.url, { store });
    await put(a, '1st');
    await command(redis.url, 'SAVE');
    await put(a, '2nd');
    await redis.stop('SIGKILL');
    await redis.start();
    await eventually(() => staleness(a) === 'lost');
    expect(a.state.status().stale!.detail).toMatch(/it ends with change 1, and 2 were read/);
    const late = await replica(redis.url, { store });
    await late.state.addEvents([clickOf('u', '1', 1), clickOf('u', '2', 2)]);
    await put(late, '3rd');
    await eventually(() => /change 2 is another one/.test(a.state.status().stale!.detail));
    await expect(put(a, 'more')).rejects.toMatchObject({ code: 'SERVING_STATE' });
    expect([...late.host.items.keys()].slice(-2)).toEqual(['1st', '3rd']);
  });

  test('memory that is full refuses changes, and takes them again when there is room', async () => {
    const redis = await server();
    const a = await replica(redis.url);
    await command(redis.url, 'CONFIG', 'SET', 'maxmemory', '1');
    await expect(put(a, 'x')).rejects.toThrow(/not stored: the server refuses it: OOM/);
    await command(redis.url, 'CONFIG', 'SET', 'maxmemory', '0');
    expect(await put(a, 'x')).toEqual({ applied: 1, ignored: 0 });
    expect(staleness(a)).toBeUndefined();
    await command(redis.url, 'CONFIG', 'SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru');
    await expect(replica(redis.url)).rejects.toThrow(/throws away any key \(maxmemory-policy allkeys-lru\)/);
  });
});
