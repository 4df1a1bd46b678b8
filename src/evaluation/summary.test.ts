import { describe, expect, it } from 'vitest';
import { CorpusEvaluation } from './corpus.js';
import { summarizeCorpus, summarizeImpressions } from './summary.js';

describe('summarizeImpressions', () => {
  it('names every metric and how GAUC was averaged', () => {
    const { metrics, counts } = summarizeImpressions(
      new Float32Array([1, -1, 2, 0]),
      [1, 0, 0, 0],
      new Int32Array([4, 4, 9, 4]),
    );
    expect(Object.keys(metrics)).toEqual(['auc', 'gauc', 'logloss', 'calibrationError', 'calibrationRatio']);
    expect(metrics.auc).toEqual({ value: 2 / 3 });
    expect(metrics.gauc).toEqual({
      value: 1,
      note: 'over the 1 of 2 users with both labels, weighted by impressions',
    });
    expect(counts).toEqual({ samples: 4, positives: 1, users: 2 });
  });

  it('says what is missing where a metric is undefined', () => {
    const { metrics } = summarizeImpressions(new Float32Array(2), [0, 0], new Int32Array(2));
    expect(metrics.auc).toEqual({ value: undefined, note: 'there are no positive samples' });
    expect(metrics.gauc).toEqual({ value: undefined, note: 'no user has both labels' });
    expect(metrics.calibrationRatio).toEqual({ value: undefined, note: 'there are no positive samples' });
    expect(metrics.logloss!.value).toBeCloseTo(Math.LN2, 15);
    expect(summarizeImpressions(new Float32Array(1), [1], new Int32Array(1)).metrics.auc!.note).toBe(
      'there are no negative samples',
    );
    for (const metric of Object.values(summarizeImpressions(new Float32Array(), [], new Int32Array()).metrics)) {
      expect(metric).toEqual({ value: undefined, note: 'there are no samples' });
    }
  });
});

describe('summarizeCorpus', () => {
  it('names metrics by k', () => {
    const evaluation = new CorpusEvaluation({ items: 3, ks: [1, 2] });
    evaluation.add(new Float32Array([1, 3, 2]), { relevant: [2] });
    const { metrics, counts } = summarizeCorpus(evaluation.result());
    expect(Object.keys(metrics)).toEqual(
      ['recall', 'ndcg', 'mrr', 'hitRate', 'precision'].flatMap((name) => [`${name}@1`, `${name}@2`]),
    );
    expect(metrics['recall@1']).toEqual({ value: 0 });
    expect(metrics['mrr@2']).toEqual({ value: 0.5 });
    expect(counts).toEqual({ requests: 1, requestsWithRelevant: 1, relevant: 1, relevantUnavailable: 0 });
  });

  it('says why nothing has a value', () => {
    const evaluation = new CorpusEvaluation({ items: 3, ks: [5] });
    expect(summarizeCorpus(evaluation.result()).metrics['recall@5']!.note).toBe('there are no requests');
    evaluation.add(new Float32Array(3), { relevant: [] });
    expect(summarizeCorpus(evaluation.result()).metrics['recall@5']).toEqual({
      value: undefined,
      note: 'no request has a relevant item among its candidates',
    });
  });
});
