import { compareIds, type LogCheck, type Position } from './shared-log.js';

/** What a look at the log says of what was read from it before. */
export type Verdict =
  /** It goes on from there. */
  | { kind: 'same' }
  /** What came next is no longer there: everything has to be read again. */
  | { kind: 'trimmed' }
  /** It is not the state that was read. */
  | { kind: 'lost'; how: string };

/**
 * Whether the log still holds what was read from it. The entry that was read last has to be there, or older than the oldest that
 * is kept: a log that went back and was continued has other entries at the same numbers.
 */
export function verdictOn(check: LogCheck, epoch: string, { n, id }: Position): Verdict {
  if (check.epoch === '') return { kind: 'lost', how: 'it is empty' };
  if (check.epoch !== epoch) return { kind: 'lost', how: 'it is another one' };
  if (check.n < n) return { kind: 'lost', how: `it ends with change ${check.n}, and ${n} were read` };
  if (n === 0 || check.isKnown) return { kind: 'same' };
  const isOlder = check.first === '0-0' || compareIds(check.first, id) > 0;
  return isOlder ? { kind: 'trimmed' } : { kind: 'lost', how: `change ${n} is another one` };
}
