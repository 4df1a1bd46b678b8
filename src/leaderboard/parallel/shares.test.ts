import { expect, test } from 'vitest';
import { shareCores } from './shares.js';

test.each([
  // One training a core, one thread each.
  [{ parallel: 0, threads: 0 }, 20, 8, { parallel: 8, threads: 1 }],
  // Fewer trainings than cores: they share them.
  [{ parallel: 0, threads: 0 }, 3, 8, { parallel: 3, threads: 2 }],
  [{ parallel: 0, threads: 0 }, 1, 8, { parallel: 1, threads: 8 }],
  [{ parallel: 2, threads: 0 }, 20, 8, { parallel: 2, threads: 4 }],
  [{ parallel: 16, threads: 0 }, 20, 8, { parallel: 16, threads: 1 }],
  [{ parallel: 0, threads: 2 }, 20, 8, { parallel: 8, threads: 2 }],
])('%o for %i trainings on %i cores', (said, jobs, cores, expected) => {
  expect(shareCores(said, jobs, cores)).toEqual(expected);
});
