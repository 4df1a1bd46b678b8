import { defineConfig } from 'vitest/config';

const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'bench/**/*.test.ts'],
    // Native addons (onnxruntime, duckdb) live in processes of their own: a crash there fails one file, not the run.
    pool: 'forks',
    maxWorkers: 2,
    // Two workers of one thread each fill two cores; sessions with a pool each would wait for one another.
    env: { TWOTOWER_THREADS: '1' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // TEST_REPORT=FILE also writes the results as JSON, for machines.
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
