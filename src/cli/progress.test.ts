import { expect, test } from 'vitest';
import { createProgress } from './progress.js';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, columns: 20, write: (text: string) => written.push(text) };
}

test('on a terminal one line is rewritten, at most ten times a second, cut to the width', () => {
  let time = 0;
  const screen = terminal(true);
  const progress = createProgress(screen, () => time);
  for (; time < 1000; time += 10) progress.update(() => `step ${time}`);
  expect(screen.written).toEqual(Array.from({ length: 10 }, (_, i) => `\r\x1b[2Kstep ${i * 100}`));
  progress.update(() => 'x'.repeat(100));
  expect(screen.written.at(-1)).toBe(`\r\x1b[2K${'x'.repeat(18)}…`);
  progress.done('finished');
  expect(screen.written.slice(-2)).toEqual(['\r\x1b[2K', 'finished\n']);
});

test('a share becomes a bar on a terminal, and a terminal of unknown width counts as 80 wide', () => {
  const screen = { ...terminal(true), columns: 0 };
  const progress = createProgress(screen, () => 0);
  progress.update(() => 'half', 0.5);
  expect(screen.written).toEqual([`\r\x1b[2K${'█'.repeat(8)}${'░'.repeat(8)} half`]);
  const log = terminal(false);
  createProgress(
    log,
    (() => {
      let time = -20_000;
      return () => (time += 20_000);
    })(),
  ).update(() => 'half', 0.5);
  expect(log.written).toEqual(['half\n']);
});

test('elsewhere there is a line every ten seconds, and no control codes', () => {
  let time = 5;
  const log = terminal(false);
  const progress = createProgress(log, () => time);
  for (; time < 25_000; time += 100) progress.update(() => `step ${time}`);
  progress.done();
  expect(log.written).toEqual(['step 10005\n', 'step 20005\n']);
});
