import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RecommendAnswer } from '../contract.js';
import { FeedbackIndex, pendingOf, rowsOf, STAGES } from './entry.js';

const ID = '0000000a-000b-4000-8000-000000000000';

function answerOf(phases: RecommendAnswer['explain'], shown: string[]): RecommendAnswer {
  return {
    version: 'v1',
    phases: [],
    degraded: [],
    userKnown: true,
    timing: { queueMs: 0, totalMs: 1 },
    explain: phases!,
    items: shown.map((item) => ({ item, score: 0, phase: 'rank' })),
  };
}

const traces: RecommendAnswer['explain'] = [
  { phase: 'retrieve', items: ['a', 'b', 'c', 'd', 'e'], scores: Float32Array.of(5, 4, 3, 2, 1), kept: 5 },
  {
    phase: 'prerank',
    items: ['c', 'b', 'a', 'e', 'd'],
    scores: Float32Array.of(0.5, 0.4, 0.3, 0.2, Number.NaN),
    kept: 4,
  },
  { phase: 'rank', items: ['a', 'c', 'e', 'b'], scores: Float32Array.of(9, 8, 7, 6), kept: 3 },
];
const request = pendingOf({
  id: ID,
  time: 100,
  request: { user: 7, context: { hour: 3 } },
  answer: answerOf(traces, ['a', 'c']),
})!;

test('an item stands as far as it came, with the score of every phase that saw it', () => {
  const rows = rowsOf(request, new FeedbackIndex(), 60);
  const told = rows.map(({ item, stage, rank, score_retrieve, score_prerank, score_rank }) => {
    return [item, stage, rank, score_retrieve, score_prerank, score_rank];
  });
  expect(told).toEqual([
    ['a', 'shown', 0, 5, Math.fround(0.3), 9],
    ['b', 'preranked', 3, 4, Math.fround(0.4), 6],
    ['c', 'shown', 1, 3, 0.5, 8],
    ['d', 'retrieved', 4, 2, null, null],
    ['e', 'ranked', 2, 1, Math.fround(0.2), 7],
  ]);
  expect(rows[0]).toMatchObject({ request: 0xa000b, request_id: ID, user: '7', time: 100, context: '{"hour":3}' });
});

test('stages agree with a second way to find them, for any cascade', () => {
  const items = fc.uniqueArray(fc.constantFrom(...'abcdefghij'), { minLength: 1 });
  fc.assert(
    fc.property(items, fc.nat(10), fc.nat(10), fc.nat(10), (all, first, second, third) => {
      const keep = [all.length, Math.min(first, all.length), 0, 0];
      keep[2] = Math.min(second, keep[1]!);
      keep[3] = Math.min(third, keep[2]!);
      const phase = (name: 'retrieve' | 'prerank' | 'rank', list: string[], kept: number) => {
        return { phase: name, items: list, scores: Float32Array.from(list, (_, i) => -i), kept };
      };
      const explain = [
        phase('retrieve', all, all.length),
        phase('prerank', all, keep[1]!),
        phase('rank', all.slice(0, keep[1]), keep[2]!),
      ];
      const entry = { id: ID, time: 0, request: { user: 1 }, answer: answerOf(explain, all.slice(0, keep[3])) };
      const rows = rowsOf(pendingOf(entry)!, new FeedbackIndex(), 1);
      // How many lists of survivors an item stands in.
      const survivors = keep.map((count) => new Set(all.slice(0, count)));
      for (const { item, stage } of rows) {
        expect(STAGES.indexOf(stage as never)).toBe(survivors.filter((set) => set.has(item)).length);
      }
      expect(rows).toHaveLength(all.length);
    }),
  );
});

test('feedback is that which names the answer, or else that of the user on the item in time; the largest counts', () => {
  const index = new FeedbackIndex();
  const event = { user: 7, item: 'a', time: 500, feedback: { click: 1, seconds: 3 } };
  index.add({ ...event, requestId: ID });
  index.add({ ...event, requestId: 'another', feedback: { like: 1 } });
  index.add({ ...event, time: 100, feedback: { seconds: 9 } });
  index.add({ ...event, time: 161, feedback: { late: 1 } });
  index.add({ ...event, time: 99, feedback: { early: 1 } });
  index.add({ ...event, user: 8, time: 110, feedback: { other: 1 } });
  index.add({ ...event, item: 'e', time: 110, feedback: { click: 1 } });
  const rows = rowsOf(request, index, 60);
  const feedbackOn = (item: string) => JSON.parse(rows.find((row) => row.item === item)!.feedback);
  expect(feedbackOn('a')).toEqual({ click: 1, seconds: 9 });
  expect(feedbackOn('c')).toEqual({});
  // Nobody saw it in this answer.
  expect(feedbackOn('e')).toEqual({});
});

test('requests without a user tell nothing to learn from', () => {
  expect(pendingOf({ id: ID, time: 0, request: {}, answer: answerOf(traces, []) })).toBeUndefined();
});
