import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TwoTowerError } from '../../errors.js';
import { temporaryFolder } from '../../testing/folder.js';
import { FakeHost } from '../http/testing/fake-host.js';
import { clickOf, command, knowledge, type Replica, replica } from './testing/fleet.js';
import { eventually, noRedis, RedisServer, STATE_SERVERS } from './testing/redis-server.js';

let redis: RedisServer;
/** A state of its own for each test. */
let url: string;
let tests = 0;

afterEach(() => void tests++);
const fresh = () => {
  url = `${redis.url}/0?name=test-${tests}`;
  return url;
};

const applied = ({ state }: Replica) => state.status().behind === 0 && state.status().stale === undefined;

describe.skipIf(noRedis).each(STATE_SERVERS)('a state in %s', (program) => {
  beforeAll(async () => {
    redis = await RedisServer.startAs(program);
  });
  afterAll(() => redis.remove());

  test('what one server is told is answered when it is applied there, and reaches the others within a second', async () => {
    const [a, b] = [await replica(fresh()), await replica(url)];
    expect(await a.state.putItems([{ key: 'new', values: { title: 'ü\0"' } }])).toEqual({ applied: 1, ignored: 0 });
    expect(a.host.items.get('new')).toEqual({ title: 'ü\0"' });
    await eventually(() => b.host.items.has('new'), 1_000);
    expect(b.host.items.get('new')).toEqual({ title: 'ü\0"' });
    expect(await b.state.deleteItems(['new', 'never'])).toEqual({ applied: 1, ignored: 1 });
    await b.state.putUsers([{ key: 7, values: { age: 30 } }]);
    await b.state.addEvents([clickOf('7', '1', 10)]);
    await eventually(() => a.host.events.length === 1, 1_000);
    expect(knowledge(a.host)).toEqual(knowledge(b.host));
    expect([a.host.items.has('new'), a.host.users.get('7')]).toEqual([false, { age: 30 }]);
  });

  test('whatever two servers are told at once, they and one that comes later know the same', async () => {
    const key = fc.constantFrom('1', '2', '30', '__proto__', 'ü\0', '{x}', '\uffff', '"\\');
    const change = fc.record({
      kind: fc.constantFrom('put', 'delete', 'user', 'remove', 'event'),
      key,
      value: fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
      at: fc.nat(1),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
        const address = `${redis.url}/1?name=run-${run++}`;
        const servers = [await replica(address), await replica(address)];
        await Promise.all(
          changes.map(({ kind, key, value, at }, i) => {
            const { state } = servers[at]!;
            if (kind === 'put') return state.putItems([{ key, values: { value } }]);
            if (kind === 'delete') return state.deleteItems([key]);
            if (kind === 'user') return state.putUsers([{ key, values: { value } }]);
            if (kind === 'remove') return state.deleteUsers([key]);
            return state.addEvents([clickOf(`of ${key}`, '1', i)]);
          }),
        );
        await eventually(() => servers.every(applied));
        servers.push(await replica(address));
        const [a, b, late] = servers.map(({ host }) => knowledge(host));
        expect(b).toEqual(a);
        expect(late).toEqual(a);
        expect(servers.flatMap(({ said }) => said.filter((line) => !line.includes('append-only')))).toEqual([]);
        for (const server of servers) await server.close();
      }),
      { numRuns: 6 },
    );
  });

  test('a server that starts while others write misses nothing', async () => {
    const a = await replica(fresh());
    let written = 0;
    let go = true;
    const writing = (async () => {
      while (go) {
        await a.state.putItems([{ key: `k${written % 500}`, values: { written } }]);
        await a.state.addEvents([clickOf('u', 'k', written++)]);
      }
    })();
    const late: Replica[] = [];
    for (let i = 0; i < 4; i++) late.push(await replica(url));
    go = false;
    await writing;
    // What is behind is known when the log is next asked: the last change of all, an event, has to be waited for. One that came while
    // a server read everything may be applied twice.
    await eventually(() => late.every((one) => applied(one) && knowledge(one.host).events.length >= written));
    for (const { host } of late) expect(knowledge(host)).toEqual(knowledge(a.host));
    expect(knowledge(a.host).events).toHaveLength(written);
  });

  test('one that falls behind what the log keeps reads everything again', async () => {
    class Slow extends FakeHost {
      hold: Promise<void> | undefined;
      override async addEvents(events: Parameters<FakeHost['addEvents']>[0]) {
        await this.hold;
        return super.addEvents(events);
      }
    }
    const limits = { entries: 50 };
    const a = await replica(fresh(), { limits });
    const slow = await replica(url, { limits }, new Slow());
    let go = () => {};
    (slow.host as Slow).hold = new Promise((resolve) => {
      go = resolve;
    });
    await a.state.deleteItems(['1']);
    await a.state.putUsers([{ key: 'gone', values: {} }]);
    for (let i = 0; i < 400; i++) await a.state.addEvents([clickOf('u', 'k', i)]);
    await a.state.deleteUsers(['gone']);
    await eventually(() => slow.state.status().stale?.reason === 'behind', 2_500);
    go();
    await eventually(() => applied(slow));
    expect(slow.state.status().rebuilt).toBe(1);
    expect(a.state.status().rebuilt).toBe(0);
    expect(knowledge(slow.host)).toEqual(knowledge(a.host));
    expect(slow.said.some((line) => line.startsWith('warn changes were missed'))).toBe(true);
    expect(Number(await command(url, 'XLEN', `{test-${tests}}:log`))).toBeLessThan(200);
  });

  test('the log is bounded by its bytes as well, and events by their number', async () => {
    const a = await replica(`${fresh()}&events=100`, { limits: { bytes: 100_000 } });
    const values = { text: 'x'.repeat(10_000) };
    for (let i = 0; i < 60; i++) await a.state.putItems([{ key: 'one', values: { ...values, i } }]);
    expect(Number(await command(url, 'XLEN', `{test-${tests}}:log`))).toBeLessThan(30);
    await a.state.addEvents(Array.from({ length: 3_000 }, (_, i) => clickOf('u', 'k', i)));
    const late = await replica(url);
    expect(late.host.items.get('one')).toMatchObject({ i: 59 });
    expect(late.host.events.length).toBeLessThan(400);
    expect(late.host.events.at(-1)!.time).toBe(2_999);
  });

  test('a user who was removed and came back has no events from before, also for a server that comes later', async () => {
    class Forgetful extends FakeHost {
      override async deleteUsers(keys: Parameters<FakeHost['deleteUsers']>[0]) {
        for (const key of keys) {
          for (let i = this.events.length - 1; i >= 0; i--) if (this.events[i]!.user === key) this.events.splice(i, 1);
        }
        return super.deleteUsers(keys);
      }
    }
    const a = await replica(fresh(), {}, new Forgetful());
    await a.state.addEvents([clickOf('u', '1', 1), clickOf('v', '1', 2)]);
    await a.state.deleteUsers(['u']);
    await a.state.putUsers([{ key: 'u', values: { age: 1 } }]);
    await a.state.addEvents([clickOf('u', '2', 3)]);
    const late = await replica(url, {}, new Forgetful());
    expect(late.host.events.map(({ time }) => time)).toEqual([2, 3]);
    expect(knowledge(late.host)).toEqual(knowledge(a.host));
  });

  test('a row that the engine cannot apply is told, and the log goes on', async () => {
    const a = await replica(fresh());
    a.host.failure = new TwoTowerError('USAGE', 'no such column');
    await expect(a.state.putItems([{ key: 'x', values: {} }])).rejects.toThrow('no such column');
    a.host.failure = undefined;
    expect(await a.state.putItems([{ key: 'y', values: {} }])).toEqual({ applied: 1, ignored: 0 });
    expect(a.said.at(-1)).toMatch(/warn a stored change was not applied: no such column/);
  });

  test('events are found by when they came', async () => {
    const a = await replica(fresh());
    await a.state.addEvents([clickOf('u', '1', 1)]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const between = Date.now();
    await a.state.addEvents([clickOf('u', '2', 2), clickOf('u', '3', 3)]);
    const found = [];
    for await (const { item } of a.state.eventsSince(between - 5)) found.push(item);
    expect(found).toEqual(['2', '3']);
  });

  test('a change for which replicas of the server are wanted is not confirmed without them', async () => {
    const a = await replica(`${fresh()}&replicas=1`);
    await expect(a.state.putItems([{ key: 'x', values: {} }])).rejects.toMatchObject({ code: 'SERVING_UNCONFIRMED' });
  });

  test('what is not a state is refused: other data under its name, a store that knows another state', async () => {
    const store = await temporaryFolder();
    await (await replica(fresh(), { store })).close();
    await expect(replica(`${redis.url}?name=other`, { store })).rejects.toThrow(
      /does not hold the state that .* it is empty/,
    );
    await replica(`${redis.url}?name=taken`);
    await expect(replica(`${redis.url}?name=taken`, { store })).rejects.toThrow(/it is another one/);
    await command(url, 'SET', '{strange}:meta', 'text');
    await expect(replica(`${redis.url}?name=strange`)).rejects.toThrow('the keys of this name hold something else');
    await expect(replica(url, { store })).resolves.toBeDefined();
  });
});
