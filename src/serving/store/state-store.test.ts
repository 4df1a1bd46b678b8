import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TwoTowerError } from '../../errors.js';
import { killAfter, spawnModule } from '../../testing/child.js';
import { temporaryFolder } from '../../testing/folder.js';
import { FakeHost } from '../http/testing/fake-host.js';
import type { StoredEvent } from '../state/serving-state.js';
import { StateStore } from './state-store.js';

const WRITER = new URL('testing/writer.ts', import.meta.url);

const event = (n: number, item = '1'): StoredEvent => ({
  user: 'u',
  item,
  time: n,
  received: n,
  feedback: { click: 1 },
});

async function reopened(folder: string, options = {}) {
  const store = await StateStore.open(folder, options);
  const host = new FakeHost();
  const warnings: string[] = [];
  await store.replay(host, (message) => warnings.push(message));
  await store.close();
  return { host, warnings };
}

test('what was put, removed and added is there after opening again, as the last change left it', async () => {
  const key = fc.constantFrom('1', '2', '30', '__proto__', 'ü\0', 'i!', '\uffff');
  const change = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), key, value: fc.oneof(fc.string(), fc.integer(), fc.boolean()) }),
    fc.record({ kind: fc.constant('delete' as const), key }),
    fc.record({ kind: fc.constant('user' as const), key, value: fc.string() }),
    fc.record({ kind: fc.constant('event' as const), key }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
      const folder = await temporaryFolder();
      const store = await StateStore.open(folder);
      const host = new FakeHost();
      // All at once: the order of the calls is the order of the changes.
      await Promise.all(
        changes.map((one, i) => {
          if (one.kind === 'put') return store.putItems([{ key: one.key, values: { value: one.value } }], host);
          if (one.kind === 'delete') return store.deleteItems([one.key], host);
          if (one.kind === 'user') return store.putUsers([{ key: one.key, values: { value: one.value } }], host);
          return store.addEvents([event(i, one.key)], host);
        }),
      );
      await store.close();
      const { host: again, warnings } = await reopened(folder);
      expect(warnings).toEqual([]);
      expect(again.items).toEqual(host.items);
      expect(again.users).toEqual(host.users);
      // Events that are on their way at once may reach the engine in another order; their time is what counts.
      const byTime = ({ events }: FakeHost) => [...events].sort((a, b) => a.time! - b.time!);
      expect(byTime(again)).toEqual(byTime(host));
    }),
    { numRuns: 10 },
  );
});

test('a change that the engine refuses leaves what was there before', async () => {
  const folder = await temporaryFolder();
  const store = await StateStore.open(folder);
  const host = new FakeHost();
  await store.putItems([{ key: 'a', values: { n: 1 } }], host);
  host.failure = new TwoTowerError('USAGE', 'no such column');
  await expect(
    store.putItems(
      [
        { key: 'a', values: { n: 2 } },
        { key: 'b', values: {} },
      ],
      host,
    ),
  ).rejects.toThrow('no such column');
  host.failure = undefined;
  await store.close();
  const { host: again } = await reopened(folder);
  expect(again.items.get('a')).toEqual({ n: 1 });
  expect(again.items.has('b')).toBe(false);
});

test('a stored row that cannot be applied is told, and the others are applied', async () => {
  const folder = await temporaryFolder();
  const store = await StateStore.open(folder);
  await store.putItems(
    ['a', 'b', 'c'].map((key) => ({ key, values: {} })),
    new FakeHost(),
  );
  class Picky extends FakeHost {
    override putItems(rows: Parameters<FakeHost['putItems']>[0]) {
      return rows.some((row) => row.key === 'b') ? Promise.reject(new Error('not b')) : super.putItems(rows);
    }
  }
  const host = new Picky();
  const warnings: string[] = [];
  expect(await store.replay(host, (message) => warnings.push(message))).toEqual({ rows: 2 });
  await store.close();
  expect([...host.items.keys()].slice(-2)).toEqual(['a', 'c']);
  expect(warnings).toEqual([expect.stringContaining('not b')]);
});

test('events are bounded: the oldest go, the order stays, and so it is after opening again', async () => {
  const folder = await temporaryFolder();
  const store = await StateStore.open(folder, { events: 20 });
  const host = new FakeHost();
  for (let n = 0; n < 100; n++) await store.addEvents([event(n)], host);
  await store.close();
  const { host: again } = await reopened(folder, { events: 20 });
  const times = again.events.map(({ time }) => time!);
  expect(times.length).toBeLessThanOrEqual(22);
  expect(times).toEqual(Array.from({ length: times.length }, (_, i) => 100 - times.length + i));
});

test('events are read from a number on', async () => {
  const store = await StateStore.open(await temporaryFolder());
  await store.addEvents([event(0), event(1), event(2)], new FakeHost());
  const read = async (from: number) => {
    const found = [];
    for await (const { event: one, next } of store.eventsFrom(from)) found.push([one.time, next]);
    return found;
  };
  expect(await read(0)).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
  ]);
  expect(await read(2)).toEqual([[2, 3]]);
  await store.close();
});

test('what a user did before being removed does not come back, neither with the user nor after opening again', async () => {
  class Removing extends FakeHost {
    readonly removed: unknown[] = [];
    override async deleteUsers(keys: Parameters<FakeHost['deleteUsers']>[0]) {
      this.removed.push(...keys);
      return super.deleteUsers(keys);
    }
  }
  const folder = await temporaryFolder();
  const store = await StateStore.open(folder);
  const host = new FakeHost();
  await store.addEvents([event(1), { ...event(2), user: 'v' }], host);
  await store.deleteUsers(['u'], host);
  await store.putUsers([{ key: 'u', values: { age: 1 } }], host);
  await store.addEvents([event(3)], host);
  await store.close();
  const again = await StateStore.open(folder);
  const other = new Removing();
  await again.replay(other, () => {});
  await again.close();
  expect(other.events.map(({ time }) => time)).toEqual([2, 3]);
  // Removed first: what a version brings along of the user goes too.
  expect([other.removed, other.users.get('u')]).toEqual([['u'], { age: 1 }]);
});

test('two servers cannot open one store', async () => {
  const folder = await temporaryFolder();
  const store = await StateStore.open(folder);
  await expect(StateStore.open(folder)).rejects.toMatchObject({
    code: 'SERVING_STATE',
    message: expect.stringContaining('another process has it open'),
  });
  await store.close();
});

test('kill −9 at any moment loses nothing that was acknowledged', async () => {
  for (const delay of [0, 40, 150]) {
    const folder = await temporaryFolder();
    const child = spawnModule(WRITER, folder);
    let said = '';
    child.stdout!.on('data', (data) => {
      said += data;
    });
    const read = once(child.stdout!, 'close');
    await killAfter(child, delay);
    await read;
    const lines = said.split('\n').slice(0, -1);
    const acknowledged = (kind: string) => lines.filter((line) => line.startsWith(kind)).length;
    const { host, warnings } = await reopened(folder);
    expect(warnings).toEqual([]);
    const counts = [...host.items.values()].map((values) => Number(values.count ?? -1));
    const items = acknowledged('item');
    expect(items).toBeGreaterThan(0);
    // One more than was acknowledged may have reached the disk, in place of the oldest.
    expect(Math.max(...counts) + 1 - items).toBeOneOf([0, 1]);
    for (let n = Math.max(0, items - 49); n < items; n++) expect(counts).toContain(n);
    expect(host.events.length - acknowledged('event')).toBeOneOf([0, 1]);
  }
}, 60_000);

test.skipIf(process.platform === 'win32')(
  'a full disk refuses the change, and all that was acknowledged is there',
  async () => {
    const folder = await temporaryFolder();
    // A limit on the size of files fails as a full disk does; the writes it refuses are errors and not signals.
    const runner = fileURLToPath(new URL('../../testing/run.mjs', import.meta.url));
    const child = spawn(
      'sh',
      [
        '-c',
        `trap '' XFSZ; ulimit -f 2000; exec "$@"`,
        'sh',
        process.execPath,
        runner,
        fileURLToPath(WRITER),
        folder,
        '20000',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
    });
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    const lines = said.trim().split('\n');
    expect(lines.at(-1)).toBe('failed SERVING_STATE');
    const items = lines.filter((line) => line.startsWith('item ')).length;
    expect(items).toBeGreaterThan(20);
    const { host } = await reopened(folder);
    const counts = [...host.items.values()].map((values) => Number(values.count ?? -1));
    for (let n = Math.max(0, items - 49); n < items; n++) expect(counts).toContain(n);
  },
  60_000,
);
