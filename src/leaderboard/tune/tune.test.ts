import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Dataset } from '../../data/dataset.js';
import { completeConfig, type RunConfig } from '../../runs/config.js';
import { loadRunData } from '../../runs/data.js';
import { readConfig } from '../../runs/read-config.js';
import { toyFolder } from '../../runs/testing/toy.js';
import { trainRun } from '../../runs/train.js';
import type { SearchSpace } from '../../search-space.js';
import { curveOf } from '../measured.js';
import { declaredSpace, propose } from './propose.js';
import { type TuneEvent, tune } from './tune.js';

// Each test trains.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const SPACE: SearchSpace = {
  'training.learningRate': { low: 0.001, high: 0.05, scale: 'log' },
  'model.width': { values: [4, 8] },
};

let toy: Awaited<ReturnType<typeof toyFolder>>;
let config: RunConfig;
let dataset: Dataset;
let first: Awaited<ReturnType<typeof tune>>;
const events: TuneEvent[] = [];

beforeAll(async () => {
  toy = await toyFolder();
  config = readConfig(toy.config, ['training.objectives=[{ loss: bce }]']);
  dataset = await loadRunData(config);
  first = await search('first', { onEvent: (event) => events.push(event) });
}, 120_000);
afterAll(() => toy.remove());

const folder = (name: string) => join(toy.folder, name);
const search = (name: string, options: Partial<Parameters<typeof tune>[1]> = {}) =>
  tune(config, { out: folder(name), dataset, trials: 4, space: SPACE, seed: 3, ...options });

async function valuesOf(run: string): Promise<number[]> {
  const curve = curveOf(await readFile(join(run, 'metrics.jsonl'), 'utf8'));
  return curve.flatMap(({ validation }) => (validation?.auc === undefined ? [] : [validation.auc!]));
}

describe('propose', () => {
  it('begins with the configuration as it is; more trials begin with the same ones', () => {
    const few = propose(config, SPACE, 3, 5);
    expect(few[0]).toEqual({ number: 1, changes: {}, config });
    expect(propose(config, SPACE, 6, 5).slice(0, 3)).toEqual(few);
    expect(propose(config, SPACE, 3, 6)[1]).not.toEqual(few[1]);
    const { changes, config: drawn } = few[1]!;
    expect(drawn.training.learningRate).toBe(changes['training.learningRate']);
    expect(drawn.model).toEqual({ ...config.model, width: changes['model.width'] });
  });

  it('refuses a key that no configuration has', () => {
    expect(() => propose(config, { 'model.widht': { values: [4] } }, 2, 1)).toThrow('did you mean "width"?');
  });

  it('tries what the model declares, and what is common to all', () => {
    const keys = Object.keys(declaredSpace(config));
    expect(keys).toContain('model.width');
    expect(keys).toContain('training.learningRate');
    for (const { config: drawn } of propose(config, declaredSpace(config), 8, 1)) {
      expect(completeConfig(drawn)).toEqual(drawn);
    }
  });
});

describe('tune', () => {
  it('trains all a little, the better ones to their end, and names the best of these by validation', async () => {
    // Three epochs are three validations: one for all four trials, then two go on.
    const rungs = events.flatMap((event) => (event.type === 'rung' ? [[event.trials, event.validations]] : []));
    expect(rungs).toEqual([
      [4, 1],
      [2, undefined],
    ]);
    const ended = first.trials.filter((trial) => trial.ended);
    const stopped = first.trials.filter((trial) => !trial.ended);
    expect([ended.length, stopped.length]).toEqual([2, 2]);
    expect(stopped.map(({ values }) => values.length)).toEqual([1, 1]);
    const begun = (trial: (typeof ended)[number]) => trial.values[0]!;
    expect(Math.min(...ended.map(begun))).toBeGreaterThanOrEqual(Math.max(...stopped.map(begun)));
    const best = ended.find(({ number }) => number === first.best)!;
    expect(best.value).toBe(Math.max(...ended.flatMap(({ values }) => values)));
    expect(first.trials[0]!.number).toBe(first.best);
    const kept = readConfig(join(folder('first'), 'best.yaml'));
    expect(kept).toEqual(first.config);
  });

  it('pauses and goes on as one training, and never measures the test part', async () => {
    const trial = first.trials.find(({ ended, number }) => ended && number === first.best)!;
    await trainRun(first.config, { out: folder('plain'), dataset });
    expect(trial.values).toEqual(await valuesOf(folder('plain')));
    for (const { number } of first.trials) {
      expect(existsSync(join(folder('first'), 'trials', `trial-${number}`, 'run.json'))).toBe(true);
      expect(existsSync(join(folder('first'), 'trials', `trial-${number}`, 'evaluation.json'))).toBe(false);
    }
  });

  it('goes on after it was stopped, with the same trials, values and decision', async () => {
    const stop = new AbortController();
    let steps = 0;
    const onEvent = (event: TuneEvent) => {
      if (event.type === 'run' && event.event.type === 'step' && ++steps === 15) stop.abort();
    };
    await expect(search('second', { onEvent, signal: stop.signal })).rejects.toThrow('stopped after step');
    const again = await search('second');
    expect(again).toEqual(first);
    // All is there: nothing is trained a third time.
    let trained = 0;
    await search('second', {
      onEvent(event) {
        if (event.type === 'run' && event.event.type === 'step') trained++;
      },
    });
    expect(trained).toBe(0);
  });

  it('refuses a folder with another search', async () => {
    await expect(search('first', { seed: 4 })).rejects.toThrow('holds another trial 2');
  });

  it('drops trials that fail, and says so where none is left', async () => {
    const space: SearchSpace = { 'training.learningRate': { values: [1e30] } };
    const sgd = readConfig(toy.config, ['training.objectives=[{ loss: bce }]', 'training.optimizer={ name: sgd }']);
    const options = { out: folder('hot'), dataset, trials: 2, space };
    const { best, trials } = await tune(sgd, options);
    expect(best).toBe(1);
    expect(trials[1]).toMatchObject({ number: 2, rungs: 1, failed: expect.stringContaining('loss') });
    const hot = completeConfig({ ...sgd, training: { ...sgd.training, learningRate: 1e30 } });
    await expect(tune(hot, { ...options, out: folder('hotter'), trials: 1 })).rejects.toThrow('none of 1 trials');
  });
});
