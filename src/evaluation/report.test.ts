import { describe, expect, it } from 'vitest';
import { type EvaluationResult, formatMetric, mergeResults, resultToJson, resultToTable } from './report.js';

const result: EvaluationResult = {
  metrics: {
    auc: { value: 0.73666 },
    gauc: { value: undefined, note: 'no user has both labels' },
    'recall@20': { value: 0.00012345 },
  },
  counts: { samples: 228329 },
};

describe('resultToTable', () => {
  it('aligns values and says why one is undefined', () => {
    expect(resultToTable(result)).toBe(
      [
        'auc           0.7367',
        'gauc       undefined  no user has both labels',
        'recall@20   0.000123',
        '',
        'samples      228,329',
      ].join('\n'),
    );
  });

  it('is empty for an empty result', () => {
    expect(resultToTable({ metrics: {}, counts: {} })).toBe('');
  });
});

describe('resultToJson', () => {
  it('keeps full precision and writes undefined as null with its reason', () => {
    expect(JSON.parse(JSON.stringify(resultToJson(result)))).toEqual({
      metrics: { auc: 0.73666, gauc: null, 'recall@20': 0.00012345 },
      notes: { gauc: 'no user has both labels' },
      counts: { samples: 228329 },
    });
  });

  it('refuses what JSON cannot hold', () => {
    expect(() => resultToJson({ metrics: { auc: { value: Number.NaN } }, counts: {} })).toThrow(/"auc" is NaN/);
  });
});

describe('mergeResults', () => {
  it('joins in order and refuses a name given twice', () => {
    const more: EvaluationResult = { metrics: { 'ndcg@20': { value: 0.5 } }, counts: { requests: 3 } };
    const merged = mergeResults(result, more);
    expect(Object.keys(merged.metrics)).toEqual(['auc', 'gauc', 'recall@20', 'ndcg@20']);
    expect(merged.counts).toEqual({ samples: 228329, requests: 3 });
    expect(() => mergeResults(result, result)).toThrow(/"auc" is given twice/);
  });
});

describe('formatMetric', () => {
  it('never hides a small value behind zeros', () => {
    expect([0, -0.5, 0.00004, -0.00004, 12].map(formatMetric)).toEqual([
      '0.0000',
      '-0.5000',
      '0.0000400',
      '-0.0000400',
      '12.0000',
    ]);
  });
});
