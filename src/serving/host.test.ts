import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../testing/folder.js';
import type { EngineHost, Stale } from './contract.js';
import { type HostOptions, openHost } from './host.js';
import { publish } from './publish.js';
import { rollBack, useVersion, versionFolder } from './store.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from './testing/toy-store.js';
import { fallsToTrial } from './traffic.js';

let toy: ToyRuns;
let model: string;
let store: string;
let host: EngineHost;

beforeAll(async () => {
  toy = await toyRuns('retrieve');
  model = (await publish({ store: join(toy.folder, 'store'), phases: toy.plans })).folder;
}, TOY_TIMEOUT);
afterAll(() => toy.remove());

/** A copy of the published version under another id. */
async function addVersion(id: string): Promise<string> {
  const folder = versionFolder(store, id);
  await mkdir(dirname(folder), { recursive: true });
  await cp(model, folder, { recursive: true });
  const file = join(folder, 'manifest.json');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), id }));
  return folder;
}

async function open(options: HostOptions = {}): Promise<void> {
  host = await openHost(store, { workers: 0, pollMs: 0, ...options });
}

beforeEach(async () => {
  store = join(await temporaryFolder(), 'store');
  await addVersion('v1');
  await useVersion(store, 'v1');
});
afterEach(() => host.close());

const versions = () => host.live().map(({ info, share }) => [info.id, share]);

test('what the pointer says is served, forwards and back', async () => {
  await open();
  expect([host.ready(), versions()]).toEqual([true, [['v1', 1]]]);
  expect((await host.recommend({ user: 1 })).version).toBe('v1');
  expect(await host.refresh()).toEqual({ changed: false });
  await addVersion('v2');
  await useVersion(store, 'v2');
  expect(await host.refresh()).toEqual({ changed: true });
  expect((await host.rank({ user: 1, candidates: [1] })).version).toBe('v2');
  await rollBack(store);
  await host.refresh();
  expect(versions()).toEqual([['v1', 1]]);
});

test('who was there lately finds the new version prepared, with the same answer as anybody', async () => {
  await open();
  const asked = { user: 1, context: { surface: 'feed' }, candidates: [1, 2, 3] };
  await host.rank(asked);
  await addVersion('v2');
  await useVersion(store, 'v2');
  await host.refresh();
  const cache = () => host.live()[0]!.stats.cache;
  expect(cache()).toMatchObject({ hits: 0, misses: 0 });
  const [kept, other] = [await host.rank(asked), await host.rank({ ...asked, user: 2 })];
  expect(cache()).toMatchObject({ hits: 1, misses: 1 });
  const alone = await openHost(store, { workers: 0, pollMs: 0 });
  expect((await alone.rank(asked)).scores).toEqual(kept.scores);
  expect((await alone.rank({ ...asked, user: 2 })).scores).toEqual(other.scores);
  await alone.close();
});

test('a request is turned away, and counted once, only where every version is full', async () => {
  await addVersion('v2');
  await useVersion(store, 'v2', 0.5);
  await open({ limits: { queue: 0 } });
  const refused = () => host.live().map(({ stats }) => stats.refused);
  // As many as one lane holds.
  const ask = (version: string) => [1, 2].map((user) => host.rank({ user, candidates: [1] }, version));
  const asked = ask('v1');
  expect([host.turnsAway(), refused()]).toEqual([false, [0, 0]]);
  asked.push(...ask('v2'));
  expect([host.turnsAway(), refused()]).toEqual([true, [1, 0]]);
  await Promise.all(asked);
  expect(host.turnsAway()).toBe(false);
});

test('the pointer is watched', async () => {
  let tell: (live: unknown) => void = () => {};
  const changed = new Promise((resolve) => {
    tell = resolve;
  });
  await open({ pollMs: 10 });
  await host.close();
  await open({ pollMs: 10, onChange: (live) => live[0]!.version === 'v2' && tell(live) });
  await addVersion('v2');
  await useVersion(store, 'v2');
  expect(await changed).toEqual([{ version: 'v2', share: 1 }]);
});

test('a bad version changes nothing, is told with its reason, and is tried again once it has changed', async () => {
  const told: string[] = [];
  await open({ onRefused: ({ reason }) => told.push(reason) });
  const whole = await addVersion('v2');
  const aside = join(store, 'aside');
  await cp(whole, aside, { recursive: true });
  await rm(whole, { recursive: true });
  await mkdir(whole);
  await useVersion(store, 'v1');
  await writeFile(join(store, 'current.json'), JSON.stringify({ format: 1, current: 'v2', previous: ['v1'] }));
  // The version appears file by file, the manifest before the rest.
  const entries = (await readdir(aside, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = entries
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => (a.includes('manifest.json') ? 0 : 1) - (b.includes('manifest.json') ? 0 : 1));
  for (const file of files) {
    const { changed, refused } = await host.refresh();
    expect([changed, refused!.version, refused!.code]).toEqual([false, 'v2', 'SERVING_STORE']);
    expect((await host.recommend({ user: 1 })).version).toBe('v1');
    await cp(file, file.replace(aside, whole), { recursive: true });
  }
  expect(host.refused().length).toBeGreaterThan(1);
  expect(told[0]).toContain('it has no manifest.json');
  expect(new Set(told).size).toBe(told.length);
  expect(await host.refresh()).toEqual({ changed: true });
  expect(versions()).toEqual([['v2', 1]]);
});

test('a version that was refused is not read again and again', async () => {
  await open();
  const folder = await addVersion('v2');
  await writeFile(join(folder, 'users.safetensors'), 'nothing');
  await useVersion(store, 'v2');
  const { refused } = await host.refresh();
  expect((await host.refresh()).refused).toBe(refused);
  expect(host.refused().length).toBe(1);
  expect(host.refused()[0]!.reason).toMatch(/users\.safetensors has 7 bytes/);
});

test('a folder under the name of another version is refused, a store without a version waits', async () => {
  await cp(model, versionFolder(store, 'other'), { recursive: true });
  await useVersion(store, 'other');
  await open();
  expect([host.ready(), host.refused()[0]!.reason]).toEqual([false, expect.stringMatching(/holds version 2/)]);
  await expect(host.recommend({})).rejects.toMatchObject({ code: 'SERVING_CLOSED' });
  await useVersion(store, 'v1');
  await host.refresh();
  expect(host.ready()).toBe(true);
  await expect(openHost(join(store, 'nothing'))).rejects.toMatchObject({ code: 'SERVING_STORE' });
});

test('two versions share the users, each user always with one of them', async () => {
  await addVersion('v2');
  await useVersion(store, 'v2', 0.25);
  await open();
  expect(versions()).toEqual([
    ['v1', 0.75],
    ['v2', 0.25],
  ]);
  const ask = async (user: number) => (await host.rank({ user, candidates: [] })).version;
  for (let user = 0; user < 40; user++) {
    const version = await ask(user);
    expect(version).toBe(fallsToTrial(user, 0.25) ? 'v2' : 'v1');
    expect(await ask(user)).toBe(version);
  }
  expect((await host.rank({ candidates: [] }, 'v2')).version).toBe('v2');
  await expect(host.rank({ candidates: [] }, 'v3')).rejects.toThrow('version: "v3" is not live');
  // A bad trial leaves all users to the current version.
  const folder = await addVersion('v3');
  await rm(join(folder, 'users.safetensors'));
  await useVersion(store, 'v3', 0.5);
  await host.refresh();
  expect(versions()).toEqual([['v1', 1]]);
});

test('a share is what it says, and grows by users that join', () => {
  const users = Array.from({ length: 4000 }, (_, i) => `user ${i}`);
  const at = (share: number) => new Set(users.filter((user) => fallsToTrial(user, share)));
  const [small, large] = [at(0.1), at(0.3)];
  expect(Math.abs(small.size / 4000 - 0.1)).toBeLessThan(0.02);
  expect(Math.abs(large.size / 4000 - 0.3)).toBeLessThan(0.03);
  for (const user of small) expect(large.has(user)).toBe(true);
  expect([fallsToTrial('7', 0.5), fallsToTrial(7n, 0.5)]).toEqual([fallsToTrial(7, 0.5), fallsToTrial(7, 0.5)]);
  expect(at(0).size).toBe(0);
});

test('changes reach every version, also one that is being loaded', async () => {
  let go: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  let enter: () => void = () => {};
  const entered = new Promise<void>((resolve) => {
    enter = resolve;
  });
  const prepared: string[] = [];
  await open({
    async prepare(engine) {
      if (engine.info.id === 'v2') {
        enter();
        await held;
      }
      prepared.push(engine.info.id);
      await engine.putUsers([{ key: 'from the store', values: {} }]);
    },
  });
  await addVersion('v2');
  await useVersion(store, 'v2');
  const changing = host.refresh();
  await entered;
  await host.putItems([{ key: 'new', values: {} }]);
  await host.addEvents([{ user: 'new', item: 'new', feedback: { click: 1 } }]);
  await host.deleteItems([1]);
  go();
  expect(await changing).toEqual({ changed: true });
  expect(versions()).toEqual([['v2', 1]]);
  expect(prepared).toEqual(['v1', 'v2']);
  expect([host.item('new')?.key, host.item(1), host.user('from the store')?.key]).toEqual([
    'new',
    undefined,
    'from the store',
  ]);
  expect(host.user('new')!.histories.clicks).toEqual([{ item: 'new', time: expect.any(Number) }]);
  expect(await host.putUsers([{ key: 'new', values: {} }])).toEqual({ applied: 1, ignored: 0 });
});

test('swaps under load: every answer is of one version, none fails', async () => {
  await addVersion('v2');
  await open();
  let running = true;
  const answered = new Set<string>();
  const load = Array.from({ length: 3 }, async (_, user) => {
    while (running) answered.add((await host.recommend({ user })).version);
  });
  for (let swap = 0; swap < 6; swap++) {
    await useVersion(store, swap % 2 === 0 ? 'v2' : 'v1');
    expect((await host.refresh()).changed).toBe(true);
  }
  running = false;
  await Promise.all(load);
  expect([...answered].sort()).toEqual(['v1', 'v2']);
});

test('answers say that they may be old, and no version is loaded that could not be brought up to date', async () => {
  let stale: Stale | undefined;
  let prepared = 0;
  await open({ stale: () => stale, prepare: async () => void prepared++ });
  expect((await host.recommend({ user: 1 })).stale).toBeUndefined();
  await addVersion('v2');
  await useVersion(store, 'v2');
  stale = { reason: 'unreachable', since: 1, detail: 'it does not answer' };
  expect((await host.refresh()).refused).toMatchObject({ version: 'v2', code: 'SERVING_STATE' });
  expect((await host.recommend({ user: 1 })).stale).toEqual(stale);
  expect((await host.rank({ user: 1, candidates: [1] })).stale).toEqual(stale);
  expect([prepared, host.ready(), versions()]).toEqual([1, true, [['v1', 1]]]);
  stale = { ...stale, reason: 'behind' };
  // Its files have not changed, but what it lacked was elsewhere.
  expect(await host.refresh()).toEqual({ changed: true });
  expect(prepared).toBe(2);
});
