import { once } from 'node:events';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/folder.js';
import { openHost } from '../host.js';
import { readManifest } from '../manifest.js';
import { useVersion, versionFolder } from '../store.js';
import { toyEngine } from '../testing/toy-engine.js';
import { TOY_TIMEOUT } from '../testing/toy-store.js';
import { readInThread } from './loading.js';
import { readVersion } from './read-version.js';

const made = toyEngine('retrieve');

const runner = new URL('../../testing/run.mjs', import.meta.url);
const loader = { file: runner, argv: [new URL('./load-worker.ts', import.meta.url).pathname] };

test('a thread reads what the calling thread does, and nothing of it that grows is copied', async () => {
  const manifest = await readManifest(made.folder);
  const found = await readInThread(made.folder, manifest, loader);
  expect(found).toEqual(await readVersion(made.folder, manifest));
  const buffers = new Set<ArrayBufferLike>();
  const look = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) buffers.add(value.buffer);
    else if (value instanceof Map) for (const part of value.values()) look(part);
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) look(part);
  };
  look(found);
  expect(buffers.size).toBeGreaterThan(15);
  // Steps of codes: one for each column of the vectors.
  const copied = [...buffers].filter((buffer) => !(buffer instanceof SharedArrayBuffer));
  expect(copied.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(500);
});

test.runIf(process.platform === 'linux')('beside others it is read in time that nobody else wants', async () => {
  const manifest = await readManifest(made.folder);
  const found = await readInThread(made.folder, manifest, loader, { beside: true });
  expect(found).toEqual(await readVersion(made.folder, manifest));
  const file = join(await temporaryFolder(), 'policy.ts');
  await writeFile(
    file,
    `import { readFileSync } from 'node:fs';
    import { parentPort } from 'node:worker_threads';
    import { giveWay } from '${new URL('./give-way.ts', import.meta.url).pathname}';
    // The 41st field, counted from behind the name, which stands in parentheses.
    const policy = () => readFileSync('/proc/thread-self/stat', 'utf8').split(') ')[1].split(' ')[38];
    parentPort.postMessage([policy(), await giveWay(), policy()]);`,
  );
  const worker = new Worker(runner, { argv: [file] });
  expect(await once(worker, 'message')).toEqual([['0', true, '5']]);
  await worker.terminate();
});

test('where there is no such time, it begins anew among all others', async () => {
  const folder = await temporaryFolder();
  const waiting = join(folder, 'waiting.mjs');
  await writeFile(
    waiting,
    `import { parentPort, workerData } from 'node:worker_threads';
    parentPort.on('message', (recipe) => {
      parentPort.postMessage(workerData === 'beside' ? { waiting: true } : { version: recipe });
    });`,
  );
  const manifest = await readManifest(made.folder);
  const found = readInThread(folder, manifest, { file: pathToFileURL(waiting) }, { beside: true, patienceMs: 50 });
  expect(await found).toEqual({ folder, manifest });
});

test('the thread that read one version beside others reads the next one', async () => {
  const folder = await temporaryFolder();
  const telling = join(folder, 'telling.mjs');
  await writeFile(
    telling,
    `import { parentPort, threadId } from 'node:worker_threads';
    parentPort.on('message', ({ folder }) => {
      parentPort.postMessage(folder === 'bad' ? { failure: { message: 'bad' } } : { version: threadId });
    });`,
  );
  const manifest = await readManifest(made.folder);
  const read = (beside: boolean, from = folder) =>
    readInThread(from, manifest, { file: pathToFileURL(telling) }, { beside });
  const first = await read(true);
  await expect(read(true, 'bad')).rejects.toThrow('bad');
  expect(await read(true)).toBe(first);
  expect([await read(false), await read(false)]).not.toContain(first);
});

test('a version that cannot be read is refused with the same words from a thread', async () => {
  const folder = join(await temporaryFolder(), 'version');
  await cp(made.folder, folder, { recursive: true });
  const file = join(folder, 'retrieve', 'items.safetensors');
  const bytes = await readFile(file);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(file, bytes);
  const manifest = await readManifest(folder);
  const here: Error = await readVersion(folder, manifest).catch((error) => error);
  await expect(readInThread(folder, manifest, loader)).rejects.toMatchObject({
    code: 'SERVING_STORE',
    message: here.message,
  });
  expect(here.message).toContain('items.safetensors is damaged: its checksum is another');
});

test(
  'a version read in a thread answers as any; where the thread dies over the next one, it answers on',
  async () => {
    const store = join(await temporaryFolder(), 'store');
    for (const id of ['v1', 'v2']) {
      const folder = versionFolder(store, id);
      await cp(made.folder, folder, { recursive: true });
      const file = join(folder, 'manifest.json');
      await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), id }));
    }
    await useVersion(store, 'v1');
    const options = { pollMs: 0, workers: 1, loader: { ...loader } };
    const host = await openHost(store, options);
    try {
      const answers = async (version: string) => {
        for (const user of [undefined, 1, 7, 'nobody']) {
          const asked = { ...(user !== undefined && { user }), time: 2e9, explain: true };
          const { items, explain } = await made.engine.recommend(asked);
          expect(await host.recommend(asked)).toMatchObject({ version, items, explain });
        }
        expect([host.user(7), host.item(3)]).toEqual([made.engine.user(7), made.engine.item(3)]);
      };
      await answers('v1');
      await useVersion(store, 'v2');
      const dying = join(store, 'dying.mjs');
      options.loader.file = pathToFileURL(dying);
      for (const [code, reason] of [
        ['process.exit(3);', 'the thread that read it ended: exit code 3'],
        ["throw new Error('no memory');", 'the thread that read it ended: no memory'],
      ] as const) {
        await writeFile(dying, code);
        // Something about it has changed: what was refused is tried again.
        await writeFile(join(versionFolder(store, 'v2'), 'note'), code);
        const { changed, refused } = await host.refresh();
        expect([changed, refused!.version, refused!.code]).toEqual([false, 'v2', 'SERVING_STORE']);
        expect(refused!.reason).toContain(reason);
        await answers('v1');
      }
      options.loader.file = runner;
      await rm(join(versionFolder(store, 'v2'), 'note'));
      expect(await host.refresh()).toEqual({ changed: true });
      await answers('v2');
    } finally {
      await host.close();
    }
  },
  TOY_TIMEOUT,
);
