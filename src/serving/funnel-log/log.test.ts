import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Database } from '../../data/database.js';
import { temporaryFolder } from '../../testing/folder.js';
import { FakeHost } from '../http/testing/fake-host.js';
import { StateStore } from '../store/state-store.js';
import { FunnelLog, funnelOptions } from './log.js';

async function opened(options: object = {}) {
  const folder = await temporaryFolder();
  const host = new FakeHost();
  host.users.set('1', { age: 30 });
  const state = await StateStore.open(join(folder, 'state'));
  onTestFinished(() => state.close());
  const warnings: string[] = [];
  const open = (shared = false) =>
    FunnelLog.open(join(folder, 'funnel'), {
      host,
      state,
      shared,
      options: funnelOptions.parse({ share: 1, windowSeconds: 10, ...options }),
      warn: (message) => warnings.push(message),
    });
  const ask = async (log: FunnelLog, n: number, user: string | number = 1) => {
    const answer = await host.recommend({ user, explain: true, k: 2 });
    const id = `${n.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
    log.record({ id, time: n, request: { user, context: { surface: 'home' } }, answer });
    return id;
  };
  const parts = () => readdirSync(join(folder, 'funnel', 'parts')).filter((name) => !name.startsWith('.'));
  const lines = (part: string, name: string) =>
    readFileSync(join(folder, 'funnel', 'parts', part, name), 'utf8')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return { folder, host, state, open, ask, parts, lines, warnings };
}

async function parquet(file: string) {
  const db = await Database.open('128MB');
  try {
    return await db.rows<Record<string, unknown>>(`SELECT * FROM read_parquet('${file}') ORDER BY time, item`);
  } finally {
    db.close();
  }
}

test('a request is written once its feedback has had its time, and only then', async () => {
  const { folder, host, state, open, ask, parts, lines } = await opened();
  const log = await open();
  const first = await ask(log, 100);
  await ask(log, 105);
  await state.addEvents(
    [{ user: '1', item: '2', time: 104, received: 104_000, feedback: { click: 1 }, requestId: first }],
    host,
  );
  expect(await log.flush(109_000)).toEqual({ requests: 0 });
  expect(await log.flush(112_000)).toEqual({ requests: 1 });
  expect(await log.flush(112_000)).toEqual({ requests: 0 });
  const [part] = parts();
  const rows = await parquet(join(folder, 'funnel', 'parts', part!, 'events.parquet'));
  expect(rows).toHaveLength(20);
  expect(rows.filter(({ stage }) => stage === 'shown').map(({ item, feedback }) => [item, feedback])).toEqual([
    ['1', '{}'],
    ['2', '{"click":1}'],
  ]);
  // As the user was when first seen: without the click that followed.
  expect(lines(part!, 'users.jsonl')).toEqual([
    { key: '1', values: { age: 30 }, histories: { clicks: { items: [], lastTime: null } } },
  ]);
  expect(lines(part!, 'items.jsonl')).toHaveLength(20);
  await log.close();
});

test('what was taken down survives the process; items come again only where they have changed', async () => {
  const { host, open, ask, parts, lines } = await opened();
  const before = await open();
  await ask(before, 100);
  await before.close();
  const log = await open();
  expect(await log.flush(200_000)).toEqual({ requests: 1 });
  host.items.set('3', { title: 'renamed' });
  await ask(log, 300);
  expect(await log.flush(400_000)).toEqual({ requests: 1 });
  expect(lines(parts()[1]!, 'items.jsonl')).toEqual([{ key: '3', values: { title: 'renamed' } }]);
  await log.close();
});

test('what is recorded while the disk is busy is not lost', async () => {
  const { open, ask } = await opened();
  const log = await open();
  for (let n = 0; n < 20; n++) {
    await ask(log, n);
    void log.save();
  }
  expect(await log.flush(100_000)).toEqual({ requests: 20 });
  await log.close();
});

test('old parts are removed', async () => {
  const { open, ask, parts } = await opened({ keepDays: 1 });
  const log = await open();
  await ask(log, 100);
  await log.flush(200_000);
  expect(parts()).toHaveLength(1);
  await log.flush(200_000 + 86_400_000);
  expect(parts()).toEqual([]);
  await log.close();
});

test('memory is bounded: more than the buffer holds is dropped and counted', async () => {
  const { open, host } = await opened();
  const log = await open();
  const answer = await host.recommend({ user: 1, explain: true, k: 1 });
  for (let n = 0; n < 10_050; n++) log.record({ id: 'x', time: n, request: { user: 1 }, answer });
  expect(log.dropped).toBe(50);
});

test('the share decides by the id alone', async () => {
  const { open } = await opened({ share: 0.25 });
  const log = await open();
  expect(log.samples('00000000')).toBe(true);
  expect(log.samples('3fffffff')).toBe(true);
  expect(log.samples('40000000')).toBe(false);
  expect(log.samples('ffffffff')).toBe(false);
  await log.close();
});

test('servers of a fleet write one log, and take over what one that was killed had waiting', async () => {
  const { folder, open, ask, parts, warnings } = await opened();
  const before = await open();
  await ask(before, 100);
  await before.close();
  const [a, killed] = [await open(true), await open(true)];
  await ask(a, 101);
  await ask(killed, 102);
  await Promise.all([a.save(), killed.save()]);
  // What one server of its own left waiting is taken over, not what another that runs has.
  expect(await a.flush(110_999)).toEqual({ requests: 1 });
  expect(parts()).toHaveLength(1);
  await killed.close();
  const late = await open(true);
  expect(await late.flush(200_000)).toEqual({ requests: 1 });
  expect(await a.flush(200_000)).toEqual({ requests: 1 });
  expect(parts()).toHaveLength(3);
  const ids = (
    await Promise.all(parts().map((part) => parquet(join(folder, 'funnel', 'parts', part, 'events.parquet'))))
  ).flat();
  expect(new Set(ids.map(({ request_id }) => request_id)).size).toBe(3);
  expect(readdirSync(join(folder, 'funnel')).filter((name) => name.startsWith('pending'))).toHaveLength(2);
  await Promise.all([a.close(), late.close()]);
  expect(warnings).toEqual([]);
});
