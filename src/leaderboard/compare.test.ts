import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { auc } from '../evaluation/auc.js';
import { loadRunData } from '../runs/data.js';
import { cellFolder } from './cell.js';
import { type CompareEvent, compare } from './compare.js';
import { readLeaderboard } from './config.js';
import { readMeasured } from './measured.js';
import type { Leaderboard } from './results.js';
import { toyLeaderboard } from './testing/toy.js';

// Each test trains.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let toy: Awaited<ReturnType<typeof toyLeaderboard>>;
let board: Leaderboard;

beforeAll(async () => {
  toy = await toyLeaderboard();
  board = await compare(readLeaderboard(await toy.write()), { out: toy.out });
}, 120_000);
afterAll(() => toy.remove());

const cell = (model: string, seed: number) => cellFolder(toy.out, 'toy/click', model, seed);

async function again(file: string, signal?: AbortSignal) {
  const events: CompareEvent[] = [];
  const onEvent = (event: CompareEvent) => events.push(event);
  const result = await compare(readLeaderboard(file), { out: toy.out, onEvent, ...(signal && { signal }) });
  return { result, ends: events.flatMap((event) => (event.type === 'end' ? [event] : [])), events };
}

describe('compare', () => {
  it('trains every model with every seed and says what it found', () => {
    const [table] = board.tables;
    expect(table!.models.map(({ name, runs }) => [name, runs.map(({ seed }) => seed)])).toEqual([
      ['small', [1, 2]],
      ['wide', [1, 2]],
    ]);
    const [small, wide] = table!.models;
    for (const metric of ['auc', 'logloss', 'recall@5']) {
      const values = wide!.runs.map(({ test }) => test.metrics[metric]!);
      expect(wide!.metrics[metric]!.mean).toBeCloseTo((values[0]! + values[1]!) / 2, 9);
      const { difference, low, high, corrected } = wide!.metrics[metric]!.comparison!;
      expect(difference).toBeCloseTo(wide!.metrics[metric]!.mean - small!.metrics[metric]!.mean, 9);
      expect(low).toBeLessThanOrEqual(high);
      expect(corrected).toBeGreaterThan(0);
    }
    expect(small!.metrics.auc!.comparison).toBeUndefined();
    expect(wide!.config.training).not.toHaveProperty('seed');
    const { cost, latency, curve } = wide!.runs[0]!;
    expect(cost.score!.flops).toBeGreaterThan(0);
    expect(latency.user.p50).toBeGreaterThan(0);
    expect(latency.candidates).toBe(40);
    expect(curve.some(({ validation }) => validation?.auc !== undefined)).toBe(true);
    expect(table!.slices.map(({ by }) => by)).toContain('context.surface');
  });

  it('keeps the score of every exposure, from which the figures follow', async () => {
    const [plan] = readLeaderboard(await toy.write()).tables;
    const dataset = await loadRunData(plan!.models.get('wide')!);
    const { measured, outcomes } = await readMeasured(cell('wide', 2), dataset);
    expect(auc(outcomes.logits, outcomes.labels)).toBeCloseTo(measured.test.metrics.auc!, 12);
    const found = outcomes.ranks!.filter((rank) => rank <= 5).length / outcomes.ranks!.length;
    expect(found).toBeCloseTo(measured.test.metrics['recall@5']!, 12);
  });

  it('keeps what is finished and fills what is missing, with the same result', async () => {
    const kept = join(cell('small', 1), 'evaluation.json');
    const before = (await stat(kept)).mtimeMs;
    await rm(join(cell('wide', 2), 'measured'), { recursive: true });
    const { result, ends } = await again(await toy.write());
    expect(ends.map((end) => [end.cell.model, end.cell.seed, end.kept])).toEqual([
      ['small', 1, true],
      ['wide', 1, true],
      ['small', 2, true],
      ['wide', 2, false],
    ]);
    expect((await stat(kept)).mtimeMs).toBe(before);
    const untimed = ({ tables }: Leaderboard) =>
      JSON.parse(JSON.stringify(tables), (key, value) =>
        ['latency', 'samplesPerSecond'].includes(key) ? undefined : value,
      );
    expect(untimed(result)).toEqual(untimed(board));
  });

  it('finds the same with several trainings at a time, and times requests when all are done', async () => {
    const file = await toy.write({ seeds: [5, 6], parallel: 3 }, { models: { small: 'small.yaml' } });
    const { events, result } = await again(file);
    const order = events.flatMap(({ type }) => (['begin', 'end', 'timing', 'judging'].includes(type) ? [type] : []));
    expect(order).toEqual(['begin', 'begin', 'end', 'end', 'timing', 'timing', 'judging']);
    expect(result.tables[0]!.models[0]!.runs.map(({ seed }) => seed)).toEqual([5, 6]);
    for (const seed of [5, 6]) {
      const latency = JSON.parse(await readFile(join(cell('small', seed), 'latency.json'), 'utf8'));
      expect(result.tables[0]!.models[0]!.runs.find((run) => run.seed === seed)!.latency).toEqual(latency);
    }
    // What a cell was timed with is kept; where that is all that is missing, nothing is trained.
    await rm(join(cell('small', 6), 'latency.json'));
    const later = (await again(file)).events.flatMap((event) =>
      'cell' in event ? [[event.type, event.cell.seed]] : [],
    );
    expect(later).toEqual([
      ['end', 5],
      ['end', 6],
      ['timing', 6],
    ]);
  });

  it('goes on after it was stopped', async () => {
    const file = await toy.write({ seeds: [3] }, { models: { small: 'small.yaml' } });
    const stop = new AbortController();
    const onEvent = (event: CompareEvent) => {
      if (event.type === 'run' && event.event.type === 'step' && event.event.step === 4) stop.abort();
    };
    const plan = readLeaderboard(file);
    await expect(compare(plan, { out: toy.out, onEvent, signal: stop.signal })).rejects.toThrow('stopped after step 4');
    const { events, result } = await again(file);
    const begun = events.flatMap((event) =>
      event.type === 'run' && event.event.type === 'begin' ? [event.event] : [],
    );
    expect(begun.map(({ step }) => step)).toEqual([4]);
    expect(result.tables[0]!.models[0]!.runs).toHaveLength(1);
  });

  it('begins anew what was killed before it had begun, and touches no files of others', async () => {
    const file = await toy.write({ seeds: [4] }, { models: { small: 'small.yaml' } });
    await mkdir(cell('small', 4), { recursive: true });
    await writeFile(join(cell('small', 4), 'config.yaml'), 'half');
    await writeFile(join(cell('small', 4), 'thesis.doc'), 'precious');
    await expect(again(file)).rejects.toThrow('thesis.doc, which is no part of a run');
    await rm(join(cell('small', 4), 'thesis.doc'));
    expect((await again(file)).ends[0]!.kept).toBe(false);
  });

  it('refuses a cell that was trained otherwise', async () => {
    const models = { wide: { config: 'small.yaml', set: ['model.width=16'] } };
    await expect(again(await toy.write({}, { models }))).rejects.toThrow('with another configuration');
    expect(existsSync(join(cell('wide', 1), 'measured'))).toBe(true);
  });

  it('tells before training what cannot be compared', async () => {
    const cold = { config: 'small.yaml', set: ['model={ name: cold, embedding: 4, layers: [8] }'] };
    await expect(again(await toy.write({}, { models: { cold } }))).rejects.toThrow('cold scores candidates one by one');
    expect(existsSync(cell('cold', 1))).toBe(false);
    await expect(again(await toy.write({}, { slices: ['context.surfac'] }))).rejects.toThrow('context.surface');
  });

  it('tunes every model with as many trials before, and compares the best of each', async () => {
    const file = await toy.write(
      { seeds: [1] },
      { trials: 2, protocol: { ...toy.protocol, name: 'toy/tuned' }, models: { small: 'small.yaml' } },
    );
    const { result, events } = await again(file);
    const table = result.tables[0]!;
    expect(table.trials).toBe(2);
    const ends = events.flatMap((event) =>
      event.type === 'tuning' && event.event.type === 'end' ? [event.event] : [],
    );
    expect(ends.map(({ trial }) => trial.number)).toEqual([1, 2]);
    const best = ends[0]!.value! >= ends[1]!.value! ? ends[0]! : ends[1]!;
    expect(table.models[0]!.config.training.learningRate).toBe(best.trial.config.training.learningRate);
    // The same seed, trained again to be measured.
    expect(table.models[0]!.runs[0]!.validation.metrics.auc).toBe(best.value);
    expect(existsSync(join(toy.out, 'tuning', 'toy', 'tuned', 'small', 'best.yaml'))).toBe(true);
  });

  it('counts training that diverges as a result', async () => {
    const models = {
      hot: { config: 'small.yaml', set: ['training.learningRate=1e30', 'training.optimizer={ name: sgd }'] },
    };
    const file = await toy.write({ seeds: [1] }, { models });
    const { result, ends } = await again(file);
    expect(result.tables[0]!.models[0]).toMatchObject({ runs: [], metrics: {}, diverged: [{ seed: 1 }] });
    expect(await readFile(join(cell('hot', 1), 'diverged.txt'), 'utf8')).toContain('loss');
    expect([ends[0]!.kept, (await again(file)).ends[0]!.kept]).toEqual([false, true]);
  });
});
