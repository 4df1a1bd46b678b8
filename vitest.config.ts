import { defineConfig } from 'vitest/config';

const report = process.env.TEST_REPORT;

const EVERY = ['src/**/*.test.ts', 'bench/**/*.test.ts'];

/** Files that need a process of their own: they replace modules, or are about signals, who listens to them, or how busy the process is. */
const ALONE = [
  'src/cascade/index/build.test.ts',
  'src/cli/train-ranks.test.ts',
  'src/cli/verbs.test.ts',
  'src/data/database.test.ts',
  'src/serving/engine/short-way.test.ts',
  'src/serving/state/redis-missing.test.ts',
];

export default defineConfig({
  test: {
    // Native addons (onnxruntime, duckdb) live in other processes than Vitest: a crash there fails one file, and the next gets a new one.
    pool: 'forks',
    maxWorkers: 2,
    // Two workers of one thread each fill two cores; sessions with a pool each would wait for one another.
    env: { TWOTOWER_THREADS: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // TEST_REPORT=FILE also writes the results as JSON, for machines.
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE, setupFiles: 'src/testing/remove-folders.ts' } },
      // What files import is loaded once per worker, not once per file.
      {
        extends: true,
        test: {
          name: 'together',
          include: EVERY,
          exclude: ALONE,
          isolate: false,
          setupFiles: ['src/testing/remove-folders.ts', 'src/testing/leaves-nothing.ts'],
        },
      },
    ],
  },
});
