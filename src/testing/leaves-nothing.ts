import { readFileSync } from 'node:fs';
import { afterAll, expect } from 'vitest';

// Files of the project `together` in vitest.config.ts share a process, one after the other: each leaves it as it was, or runs alone.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const ALONE = 'the file belongs to ALONE in vitest.config.ts';

const ofProcess = () => ({
  folder: process.cwd(),
  exitCode: process.exitCode,
  listeners: Object.fromEntries(SIGNALS.map((signal) => [signal, process.listenerCount(signal)])),
});

const before = ofProcess();
const environment = { ...process.env };

afterAll(() => {
  const text = readFileSync(expect.getState().testPath!, 'utf8');
  expect(text.match(/\bvi\.(mock|doMock|resetModules)\b/)?.[0], `modules are replaced: ${ALONE}`).toBeUndefined();
  expect(ofProcess(), `the process is left changed: ${ALONE}`).toEqual(before);
  const names = Object.keys({ ...environment, ...process.env });
  const changed = names.filter((name) => process.env[name] !== environment[name]);
  expect(changed, `variables of the environment are left changed: ${ALONE}`).toEqual([]);
});
