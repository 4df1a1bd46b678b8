import { expect, it } from 'vitest';
import type { RunEvent } from '../runs/events.js';
import type { Output } from './output.js';
import { watchRuns } from './watch-runs.js';

const step = (n: number): RunEvent => {
  const known = { totalSteps: 10, epoch: 1, epochs: 2, loss: 0.5, samplesPerSecond: 9, secondsLeft: 1 };
  return { type: 'step', step: n, ...known };
};

it('tells all of one run, and how far each of several is; lines that stay come as they are told', () => {
  let live = '';
  let share: number | undefined;
  const stayed: (string | undefined)[] = [];
  const progress = {
    update(line: () => string, of?: number) {
      live = line();
      share = of;
    },
    done: (line?: string) => stayed.push(line),
  };
  const watch = watchRuns({ progress: () => progress, warn: () => {} } as unknown as Output, (shares) => {
    return shares.reduce((a, b) => a + b, 0) / 4;
  });
  watch.begin('a');
  watch.onEvent('a', step(4));
  expect([live, share]).toEqual(['a  epoch 1/2 step 4/10 9 samples/s loss 0.5000 ≤1 s', 0.1]);
  watch.begin('b');
  watch.onEvent('b', step(8));
  expect([live, share]).toEqual(['a epoch 1/2 40 % · b epoch 1/2 80 %', expect.closeTo(0.3, 9)]);
  watch.onEvent('a', { type: 'evaluating', split: 'test', done: 0.5 });
  expect(live).toBe('a evaluating test 50 % · b epoch 1/2 80 %');
  watch.end('b', 'b is done');
  watch.onEvent('a', step(10));
  expect(live).toMatch(/^a {2}epoch 1\/2 step 10\/10/);
  expect(stayed).toEqual(['b is done']);
});
