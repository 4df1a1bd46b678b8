import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/folder.js';
import { toyEngine } from '../testing/toy-engine.js';
import { TOY_TIMEOUT } from '../testing/toy-store.js';
import { openEngine } from './engine.js';

const made = toyEngine('retrieve');

test(
  'a worker that is lost is replaced by one that knows what has changed',
  async () => {
    const file = join(await temporaryFolder(), 'worker.mjs');
    await writeFile(
      file,
      `import { parentPort } from 'node:worker_threads';
      // Messages that come before somebody listens wait; the first to listen must not be alone.
      await import('${new URL('../../testing/run.mjs', import.meta.url)}');
      parentPort.on('message', ({ type, job }) => {
        if (type === 'job' && job.k === 13) process.exit(3);
      });`,
    );
    const entry = { file: pathToFileURL(file), argv: [new URL('./worker.ts', import.meta.url).pathname] };
    const threaded = await openEngine(made.folder, { workers: 1, entry });
    try {
      // Loading it was work, too.
      const loaded = threaded.stats().workersBusyMs;
      expect([loaded > 0, made.engine.stats().workersBusyMs]).toEqual([true, 0]);
      await threaded.recommend({ k: 5 });
      expect(threaded.stats().workersBusyMs).toBeGreaterThan(loaded);
      const keys = Array.from({ length: 30 }, (_, key) => key);
      const values = keys.map((key) => threaded.item(key)!.values);
      for (const one of [made.engine, threaded]) {
        await one.deleteItems(keys);
        await one.putItems(keys.map((key) => ({ key, values: values[(key + 7) % 30]! })));
      }
      await expect(threaded.recommend({ k: 13 })).rejects.toThrow('ended with code 3');
      for (const user of [undefined, 3, 7, 20]) {
        const asked = { ...(user !== undefined && { user }), k: 5, time: 2e9, includeSeen: true };
        const { items } = await made.engine.recommend(asked);
        expect((await threaded.recommend(asked)).items).toEqual(items);
      }
    } finally {
      await threaded.close();
    }
  },
  TOY_TIMEOUT,
);
