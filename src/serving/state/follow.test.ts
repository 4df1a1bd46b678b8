import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TwoTowerError } from '../../errors.js';
import { FakeHost } from '../http/testing/fake-host.js';
import { applyGroup, grouped } from './follow.js';
import { PendingWrites } from './pending-writes.js';
import { type LogCheck, type LogEntry, START } from './shared-log.js';
import { verdictOn } from './verdict.js';

const key = fc.constantFrom('a', 'b', 'c');
const row = fc.tuple(key, fc.option(fc.record({ v: fc.nat(9) }), { nil: null }));
const content = fc.oneof(
  fc.record({ kind: fc.constantFrom('i' as const, 'u' as const), rows: fc.array(row, { minLength: 1, maxLength: 3 }) }),
  fc.record({
    kind: fc.constant('e' as const),
    rows: fc.array(
      fc.record({ user: key, item: key, time: fc.nat(9), received: fc.nat(9), feedback: fc.constant({ click: 1 }) }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
);
const entries = fc
  .array(fc.tuple(content, fc.constantFrom('me', 'you')), { maxLength: 30 })
  .map((all) => all.map(([one, writer], i): LogEntry => ({ ...one, writer, n: i + 1, id: `${i + 1}-0` })));

async function after(groups: Parameters<typeof applyGroup>[0][]) {
  const host = new FakeHost();
  for (const group of groups) await applyGroup(group, host, () => {});
  return { items: host.items, users: host.users, events: host.events };
}

test('neighbouring changes applied together leave what they leave one by one, each of ours by itself', async () => {
  await fc.assert(
    fc.asyncProperty(entries, async (log) => {
      const { groups, gap } = grouped(log, START, 'me');
      expect(gap).toBe(false);
      const single = log.map(({ kind, rows, n, id }) => ({ kind, rows, end: { n, id }, isOwn: true }));
      expect(await after(groups)).toEqual(await after(single));
      expect(groups.filter(({ isOwn }) => isOwn)).toEqual(single.filter(({ end }) => log[end.n - 1]!.writer === 'me'));
      expect(groups.at(-1)?.end.n ?? 0).toBe(log.length);
    }),
  );
});

test('a missing entry is noticed, and nothing behind it is applied', () => {
  const entry = (n: number): LogEntry => ({ kind: 'e', rows: [], writer: 'you', n, id: `${n}-0` });
  const { groups, gap } = grouped([entry(4), entry(5), entry(7)], { n: 3, id: '3-0' }, 'me');
  expect([groups.map(({ end }) => end.n), gap]).toEqual([[5], true]);
  expect(grouped([entry(1)], { n: 3, id: '3-0' }, 'me')).toEqual({ groups: [], gap: true });
});

test.each<[string, Partial<LogCheck>, string]>([
  ['goes on', {}, 'same'],
  ['has grown', { n: 9, last: '9-0' }, 'same'],
  ['was trimmed beyond it', { n: 9, isKnown: false, first: '6-0' }, 'trimmed'],
  ['was trimmed whole', { n: 9, isKnown: false, first: '0-0' }, 'trimmed'],
  ['is empty', { epoch: '', n: 0, isKnown: false, first: '0-0' }, 'lost'],
  ['is another one', { epoch: 'other' }, 'lost'],
  ['went back', { n: 4, isKnown: false, first: '1-0' }, 'lost'],
  ['went back and was continued', { n: 7, isKnown: false, first: '1-0' }, 'lost'],
])('a log that %s', (_, check, kind) => {
  const whole: LogCheck = { epoch: 'e', n: 5, isKnown: true, first: '1-0', last: '5-0' };
  expect(verdictOn({ ...whole, ...check }, 'e', { n: 5, id: '5-0' }).kind).toBe(kind);
});

test('a write ends with what came of its entries, whichever comes first: the application or the answer', async () => {
  const writes = new PendingWrites(0);
  const report = { applied: 2, ignored: 1 };
  const early = writes.until(1, 2, 6, 1_000);
  for (const n of [1, 2]) writes.note(n, { ...report });
  writes.reach(2);
  expect(await early).toEqual({ applied: 4, ignored: 2 });
  writes.note(3, report);
  writes.reach(3);
  expect(await writes.until(3, 3, 1, 1_000)).toEqual(report);
  writes.note(4, new TwoTowerError('USAGE', 'no such column'));
  writes.reach(4);
  await expect(writes.until(4, 4, 1, 1_000)).rejects.toThrow('no such column');
  // Read again as a whole: nothing is known of the single entry.
  writes.reach(9);
  expect(await writes.until(8, 8, 5, 1_000)).toEqual({ applied: 5, ignored: 0 });
  await expect(writes.until(10, 10, 1, 10)).rejects.toMatchObject({ code: 'SERVING_UNCONFIRMED' });
});
