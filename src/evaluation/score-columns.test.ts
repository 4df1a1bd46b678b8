import { expect, test } from 'vitest';
import type { Dataset } from '../data/dataset.js';
import { generateDataset } from '../data/generate.js';
import { scoreColumnMetrics, scoreColumns } from './score-columns.js';

const base = generateDataset({ users: 8, items: 10, events: 200 });
const { test: rows } = base.splits;
const clicks = base.events.feedback.get('click')!;

function withScores(scores: Record<string, Float32Array>): Dataset {
  return { ...base, events: { ...base.events, scores: new Map(Object.entries(scores)) } };
}

test('a column that knows the label is perfect, one that says nothing is chance', () => {
  const found = scoreColumnMetrics(
    withScores({ all: clicks.map((click) => 8 * click - 4), none: clicks.map(() => 0) }),
    rows,
  );
  expect(found.map(({ name, auc, gauc }) => [name, auc, gauc])).toEqual([
    ['all', 1, 1],
    ['none', 0.5, 0.5],
  ]);
  // softplus(−4) for every exposure; without knowledge log 2.
  expect(found[0]!.logloss).toBeCloseTo(Math.log1p(Math.exp(-4)), 6);
  expect(found[1]!.logloss).toBeCloseTo(Math.LN2, 6);
});

test('columns with a gap in the part, and graded labels, are left out', () => {
  const gap = clicks.slice();
  gap[rows[3]!] = Number.NaN;
  const elsewhere = clicks.slice();
  elsewhere[base.splits.train[0]!] = Number.NaN;
  const dataset = withScores({ gap, elsewhere });
  expect(scoreColumns(dataset, rows).map(({ name }) => name)).toEqual(['elsewhere']);
  expect(scoreColumns({ ...dataset, label: 'seconds' }, rows)).toEqual([]);
  expect(scoreColumns(base, rows)).toEqual([]);
});
