import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/folder.js';
import { spawnServer } from './spawn.js';

/** Says its process where a server would say its address, and leaves a file when it is asked to end. */
let main: string;
let ended: string;
let failing: string;

beforeEach(async () => {
  const folder = await temporaryFolder();
  main = join(folder, 'main.mjs');
  ended = join(folder, 'ended-');
  await writeFile(
    main,
    `import { writeFileSync } from 'node:fs';
    process.once('SIGTERM', () => {
      writeFileSync('${ended}' + process.pid, '');
      process.exit();
    });
    console.log(JSON.stringify({ url: 'pid:' + process.pid }));
    setInterval(() => {}, 1000);`,
  );
  failing = join(folder, 'failing.mjs');
  await writeFile(failing, `console.error('no such store'); process.exit(3);`);
});

const hasEnded = (url: string) => existsSync(ended + pidOf(url));
const pidOf = (url: string) => Number(/pid:(\d+)/.exec(url)![1]);

test('a server is stopped, and leaves nothing that listens to this process', async () => {
  const before = ['exit', 'SIGTERM'].map((event) => process.listenerCount(event));
  const { url, stop } = await spawnServer(main, 'store');
  expect(hasEnded(url)).toBe(false);
  await stop();
  expect(hasEnded(url)).toBe(true);
  expect(['exit', 'SIGTERM'].map((event) => process.listenerCount(event))).toEqual(before);
});

test('one that ends instead of listening says why', async () => {
  await expect(spawnServer(failing, 'store')).rejects.toThrow(/ended with 3: no such store/);
});

test('a server ends with the process that started it and is ended by its id', async () => {
  const runner = fileURLToPath(new URL('../../testing/run.mjs', import.meta.url));
  const parent = fileURLToPath(new URL('./testing/parent.ts', import.meta.url));
  const child = spawn(process.execPath, [runner, parent, main], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  expect(hasEnded(String(said))).toBe(false);
  child.kill('SIGTERM');
  expect((await once(child, 'exit'))[0]).toBe(143);
  await expect.poll(() => hasEnded(String(said)), { timeout: 5_000 }).toBe(true);
});
