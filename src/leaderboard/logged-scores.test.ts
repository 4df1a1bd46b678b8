import { expect, test } from 'vitest';
import { generateDataset } from '../data/generate.js';
import { userStatistic } from '../evaluation/user-statistics.js';
import { loggedScores } from './logged-scores.js';
import { findProtocol } from './protocols.js';

const base = generateDataset({ users: 8, items: 10, events: 200 });
const clicks = base.events.feedback.get('click')!;
const dataset = {
  ...base,
  events: { ...base.events, scores: new Map([['oracle', clicks.map((click) => click - 0.5)]]) },
};

test('a score column of the log stands beside the models, asked about the same exposures', () => {
  const [oracle, ...others] = loggedScores(findProtocol('funnel/click'), dataset);
  expect(others).toEqual([]);
  expect(oracle!.name).toBe('oracle (column of the log)');
  const { outcomes } = oracle!;
  expect(outcomes.logits).toHaveLength(base.splits.test.length);
  expect(userStatistic('auc', outcomes)(new Uint32Array(outcomes.userCount).fill(1))).toBe(1);
});

test('but not where all items are ranked', () => {
  expect(loggedScores(findProtocol('kuairand-pure/next-item'), dataset)).toEqual([]);
});
