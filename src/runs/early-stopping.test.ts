import { expect, test } from 'vitest';
import type { Dataset } from '../data/dataset.js';
import { checkDefined, metricProblem } from './early-stopping.js';

const dataset = (labels: number[], validation: number[]) =>
  ({
    label: 'bought',
    events: { feedback: new Map([['bought', Float32Array.from(labels)]]) },
    splits: { train: new Uint32Array(), validation: Uint32Array.from(validation), test: new Uint32Array() },
  }) as unknown as Dataset;

test('a log in which everything was bought cannot choose by AUC, and this is said before training', () => {
  const bought = dataset([0, 1, 1, 1], [1, 2, 3]);
  for (const metric of ['auc', 'gauc']) {
    expect(() => checkDefined(metric, [10, 20], bought, true)).toThrow(
      `training.validation.metric: ${metric} is undefined: the label bought is 1 in every event of the validation part\n  Choose by another one: --set training.validation.metric=recall@10, or logloss.`,
    );
    expect(() => checkDefined(metric, [10], dataset([0, 1, 1, 1], [0, 2, 3]), true)).not.toThrow();
  }
  expect(() => checkDefined('recall@10', [10], bought, true)).not.toThrow();
});

test('what needs a model that retrieves, or something to find, is not chosen by without', () => {
  const bought = dataset([0, 1, 0, 0], [1, 2, 3]);
  expect(() => checkDefined('recall@10', [10], bought, false)).toThrow(
    'training.validation.metric: recall@10 is undefined: the model scores candidates one by one and cannot retrieve\n  Choose by another one: --set training.validation.metric=auc.',
  );
  const nothing = dataset([0, 1, 0, 0], [2, 3]);
  expect(() => checkDefined('recall@10', [10], nothing, true)).toThrow(
    'recall@10 is undefined: no event of the validation part has a positive bought\n  Choose by another one: --set training.validation.metric=logloss.',
  );
  expect(() => checkDefined('auc', [10], nothing, true)).toThrow(/bought is 0 .*\n.*metric=logloss\.$/);
  expect(() => checkDefined('auc', [10], bought, false)).not.toThrow();
});

test('a metric that nothing measures is named with those that are', () => {
  expect(metricProblem('recall@20', [20])).toBeUndefined();
  expect(metricProblem('acu', [20])).toBe('there is no metric "acu" to choose by, did you mean "auc"?');
  expect(metricProblem('recall@30', [10, 20])).toBe(
    'there is no metric "recall@30" to choose by, did you mean "recall@10"? The cut-offs are those of evaluation.ks: 10, 20',
  );
});
