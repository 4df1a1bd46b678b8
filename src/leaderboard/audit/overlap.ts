import type { Dataset } from '../../data/dataset.js';
import { type Finding, share } from './finding.js';

const count = (value: number) => value.toLocaleString('en-US');

/** Events that stand in the log more than once: same user, item and time. With another label they contradict each other. */
export function duplicates({ events, label, splits }: Dataset): Finding {
  const labels = events.feedback.get(label)!;
  const parts = partOf(splits, events.count);
  const first = new Map<string, number>();
  let [twice, contradicting, across] = [0, 0, 0];
  for (let row = 0; row < events.count; row++) {
    if (parts[row] === 0) continue;
    const key = `${events.user[row]} ${events.item[row]} ${events.time[row]}`;
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, row);
      continue;
    }
    twice++;
    if (labels[before] !== labels[row]) contradicting++;
    if (parts[before] !== parts[row]) across++;
  }
  const total = splits.train.length + splits.validation.length + splits.test.length;
  if (twice === 0) return { check: 'duplicates', level: 'ok', says: 'no user, item and time occurs twice' };
  return {
    check: 'duplicates',
    level: twice > total / 1000 || across > 0 ? 'warning' : 'ok',
    says: `${count(twice)} of ${count(total)} exposures repeat user, item and time of another, ${count(contradicting)} with another label, ${count(across)} in another part`,
    remedy: 'Remove repeated rows from the file; a copy in another part is learned by heart and then asked for.',
  };
}

/** Pairs of user and item that training has seen and the test asks about again. */
export function overlap({ events, splits }: Dataset): Finding {
  const pair = (row: number) => events.user[row]! * 2 ** 26 + events.item[row]!;
  const trained = new Set(Array.from(splits.train, pair));
  const again = splits.test.filter((row) => trained.has(pair(row))).length;
  const says = `${count(again)} of ${count(splits.test.length)} test exposures (${share(again, splits.test.length)}) are of a user and an item that stand together in training`;
  if (again <= splits.test.length / 20) return { check: 'overlap', level: 'ok', says };
  return {
    check: 'overlap',
    level: 'warning',
    says,
    remedy:
      'Where that is how the service works (people buy again), it is no leak; else ids alone may remember the answer.',
  };
}

/** Training events later than the first test event: then features and ids know what the test asks about. */
export function orderOfParts({ events, splits }: Dataset): Finding {
  const firstTest = splits.test.reduce((least, row) => Math.min(least, events.time[row]!), Number.POSITIVE_INFINITY);
  const later = splits.train.filter((row) => events.time[row]! > firstTest).length;
  if (later === 0) {
    return { check: 'order of the parts', level: 'ok', says: 'all of training is before the first test exposure' };
  }
  return {
    check: 'order of the parts',
    level: 'warning',
    says: `${count(later)} of ${count(splits.train.length)} training events (${share(later, splits.train.length)}) are later than the first test exposure`,
    remedy:
      'Split by time (split: { train, validation }), unless users are left out on purpose: what is learned of items then still comes from their future.',
  };
}

/** 1 training, 2 validation, 3 test, 0 none of them. */
function partOf({ train, validation, test }: Dataset['splits'], total: number): Uint8Array {
  const parts = new Uint8Array(total);
  for (const [i, rows] of [train, validation, test].entries()) for (const row of rows) parts[row] = i + 1;
  return parts;
}
