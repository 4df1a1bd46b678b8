import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Dataset } from '../../data/dataset.js';
import type { RunConfig } from '../../runs/config.js';
import { loadRunData } from '../../runs/data.js';
import type { RunEvent } from '../../runs/events.js';
import { readConfig } from '../../runs/read-config.js';
import { digests } from '../../runs/testing/checkpoint-bytes.js';
import { toyFolder } from '../../runs/testing/toy.js';
import { doJobs, type JobsOptions } from './do-jobs.js';
import type { CellJob } from './job.js';

// Each test trains, and threads load the sources.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

/** Runs the worker's TypeScript source, as `dist` runs the compiled file. */
const entry = {
  file: new URL('../../testing/run.mjs', import.meta.url),
  argv: [new URL('./worker.ts', import.meta.url).pathname],
};

let toy: Awaited<ReturnType<typeof toyFolder>>;
let config: RunConfig;
let dataset: Dataset;

beforeAll(async () => {
  toy = await toyFolder();
  config = readConfig(toy.config, ['training.epochs=1']);
  dataset = await loadRunData(config);
}, 120_000);
afterAll(() => toy.remove());

/** Cells that differ in their seeds, in a folder. */
function jobsIn(name: string, seeds: readonly number[]): CellJob[] {
  return seeds.map((seed) => ({
    type: 'cell',
    cell: {
      protocol: 'toy',
      model: 'dssm',
      seed,
      config: { ...config, training: { ...config.training, seed } },
      folder: join(toy.folder, name, String(seed)),
    },
  }));
}

function work(jobs: readonly CellJob[], options: Partial<JobsOptions<CellJob>>) {
  const quiet = { parallel: 1, onBegin: () => {}, onEvent: () => {}, onEnd: () => {} };
  return doJobs(jobs, dataset, { ...quiet, ...options });
}

/** Digests of what follows from the configuration; the rest tells of the clock. */
function bytesOf({ cell: { folder } }: CellJob) {
  const found = digests(folder);
  const metrics = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  return {
    files: Object.entries(found).filter(([name]) => /^checkpoints|^model|safetensors$/.test(name)),
    metrics: metrics.map((line) => ({ ...JSON.parse(line), samplesPerSecond: 0 })),
  };
}

describe('doJobs', () => {
  it('leaves the same bytes whether one training runs at a time or several, in threads, stopped and gone on', async () => {
    const alone = jobsIn('alone', [1, 2]);
    await work(alone, {});
    const beside = jobsIn('beside', [1, 2]);
    const stop = new AbortController();
    const steps = new Map<number, number>();
    const onEvent = ({ cell: { seed } }: CellJob, event: RunEvent) => {
      if (event.type !== 'step') return;
      steps.set(seed, event.step);
      // In the middle of two trainings.
      if (steps.size === 2 && [...steps.values()].every((step) => step >= 4)) stop.abort();
    };
    const stopped = work(beside, { parallel: 2, entry, onEvent, signal: stop.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'RUN_INTERRUPTED' });
    expect([...steps.keys()].sort()).toEqual([1, 2]);
    const begun: number[] = [];
    const ended: number[] = [];
    await work(beside, {
      parallel: 2,
      entry,
      onEvent: (_, event) => event.type === 'begin' && begun.push(event.step),
      onEnd: ({ cell: { seed } }) => {
        ended.push(seed);
      },
    });
    expect(begun.filter((step) => step > 0)).toHaveLength(2);
    expect(ended.sort()).toEqual([1, 2]);
    for (const [i, job] of beside.entries()) {
      const found = bytesOf(job);
      expect(found.files.length).toBeGreaterThan(4);
      expect(found).toEqual(bytesOf(alone[i]!));
    }
  });

  it('stops the others where one fails, and throws what failed', async () => {
    const [good, bad] = jobsIn('broken', [1, 2]) as [CellJob, CellJob];
    bad.cell.config = { ...bad.cell.config, model: { name: 'dssm', embedding: 'wide' } };
    await expect(work([good, bad], { parallel: 2 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(existsSync(join(good.cell.folder, 'measured'))).toBe(false);
    await work([good], {});
    expect(existsSync(join(good.cell.folder, 'measured'))).toBe(true);
  });

  it('says so where a thread is lost', async () => {
    const gone = { ...entry, argv: [join(toy.folder, 'nothing.ts')] };
    await expect(work(jobsIn('lost', [1, 2]), { parallel: 2, entry: gone })).rejects.toThrow(/nothing\.ts/);
  });
});
