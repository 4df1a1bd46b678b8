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
    expect(() => checkDefined(metric, [10, 20], bought)).toThrow(
      `training.validation.metric: ${metric} is undefined: the label bought is 1 in every event of the validation part\n  Choose by another one: --set training.validation.metric=recall@10, or logloss.`,
    );
    expect(() => checkDefined(metric, [10], dataset([0, 1, 1, 1], [0, 2, 3]))).not.toThrow();
  }
  expect(() => checkDefined('recall@10', [10], bought)).not.toThrow();
});

test('a metric that nothing measures is named with those that are', () => {
  expect(metricProblem('recall@20', [20])).toBeUndefined();
  expect(metricProblem('acu', [20])).toBe('there is no metric "acu" to choose by, did you mean "auc"?');
  expect(metricProblem('recall@30', [10, 20])).toBe(
    'there is no metric "recall@30" to choose by, did you mean "recall@10"? The cut-offs are those of evaluation.ks: 10, 20',
  );
});
