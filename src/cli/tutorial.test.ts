import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packagePath } from '../package-root.js';
import { spawnModule } from '../testing/child.js';
import { temporaryFolder } from '../testing/folder.js';
import { sortOf, writePurchases } from './testing/purchases.js';
import { twotower } from './testing/twotower.js';

/** Added to `serve`: nothing on stderr, and no worker threads, which cannot load TypeScript. */
const QUIET = ['--log-level', 'silent', '--workers', '0'];

/** The blocks of a page that are fenced with a language, in order. */
function blocks(page: string): { language: string; text: string }[] {
  return [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
    language: language!,
    text: text!,
  }));
}

/** The words of a command line; quotes hold spaces together. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
}

test('the list of purchases that comes with the package is the invented one', async () => {
  const file = join(await temporaryFolder(), 'purchases.csv');
  await writePurchases(file);
  expect(await readFile(packagePath('datasets', 'purchases.csv'), 'utf8')).toBe(await readFile(file, 'utf8'));
});

test('docs/tutorial.md works as it stands: every file and every command of it, in order', async () => {
  const page = await readFile(packagePath('docs', 'tutorial.md'), 'utf8');
  const folder = await temporaryFolder();
  const before = process.cwd();
  process.chdir(folder);
  let server: ReturnType<typeof spawnModule> | undefined;
  const outputs = new Map<string, string>();
  try {
    await copyFile(packagePath('datasets', 'purchases.csv'), 'purchases.csv');
    for (const { language, text } of blocks(page)) {
      if (language === 'csv') {
        // What the page shows is what stands in the file.
        const lines = (await readFile('purchases.csv', 'utf8')).split('\n');
        expect(lines.slice(0, 3).join('\n')).toBe(text.trim());
      } else if (language === 'yaml') {
        const name = /^# (\S+\.yaml)\n/.exec(text)![1]!;
        await writeFile(join(folder, name), text);
      } else if (language === 'sh') {
        for (const line of text.trim().split('\n')) {
          const [command, ...args] = words(line);
          if (command === 'curl') {
            const [url, header, body] = [args[1]!, args[3]!.split(': '), args[5]!];
            const answer = await fetch(url, { method: 'POST', headers: [header as [string, string]], body });
            expect(answer.status).toBe(200);
            outputs.set(line, await answer.text());
          } else if (args[0] === 'serve') {
            server = spawnModule(new URL('testing/command.ts', import.meta.url), ...args, ...QUIET);
            await once(server.stdout!, 'data');
          } else {
            expect(command).toBe('twotower');
            const { code, stdout, stderr } = await twotower(...args);
            expect(code, `${line}\n${stderr}`).toBe(0);
            outputs.set(line, stdout);
          }
        }
      }
    }
  } finally {
    process.chdir(before);
    if (server !== undefined && server.exitCode === null) {
      const exit = once(server, 'exit');
      server.kill('SIGTERM');
      await exit;
    }
  }
  const said = (start: string) => [...outputs].find(([line]) => line.startsWith(start))![1];
  expect(said('twotower data inspect')).toContain('4,200 events');
  // Ten of 96 products at random would be 0.10; a customer's two sorts have 24.
  const recall = Number(/^recall@10 +(\S+)/m.exec(said('twotower evaluate'))![1]);
  expect(recall).toBeGreaterThan(0.2);
  const answer = JSON.parse(said('curl')) as { items: { item: string }[] };
  expect(answer.items).toHaveLength(5);
  expect(new Set(answer.items.map(({ item }) => sortOf(item))).size).toBeLessThan(5);
}, 300_000);
