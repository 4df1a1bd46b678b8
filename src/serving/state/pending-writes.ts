import { TwoTowerError } from '../../errors.js';
import type { ChangeReport } from '../contract.js';
import { add } from './apply.js';

/** What came of applying an entry. */
export type Outcome = ChangeReport | Error;

interface Waiter {
  first: number;
  last: number;
  rows: number;
  resolve(report: ChangeReport): void;
  reject(error: Error): void;
}

/** Outcomes that are kept for writes whose answer has not come yet. */
const MOST_OUTCOMES = 10_000;

/** Changes that are stored and wait to be applied here, by the numbers of their entries in the log. */
export class PendingWrites {
  private readonly waiters = new Set<Waiter>();
  /** The entry may be applied before the answer to the write has come. */
  private readonly outcomes = new Map<number, Outcome>();
  private reached: number;

  constructor(n: number) {
    this.reached = n;
  }

  /**
   * Resolves once the entries `first` to `last` are applied.
   *
   * @throws SERVING_UNCONFIRMED where that takes longer than `ms`; what the engine throws
   */
  until(first: number, last: number, rows: number, ms: number): Promise<ChangeReport> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(unconfirmed('it is stored and not applied here yet'));
      }, ms);
      const end = <T>(tell: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          this.waiters.delete(waiter);
          tell(value);
        };
      };
      const waiter: Waiter = { first, last, rows, resolve: end(resolve), reject: end(reject) };
      this.waiters.add(waiter);
      if (last <= this.reached) this.settle(waiter);
    });
  }

  /** An entry of this server was applied, or could not be. */
  note(n: number, outcome: Outcome): void {
    this.outcomes.set(n, outcome);
    if (this.outcomes.size > MOST_OUTCOMES) this.outcomes.delete(this.outcomes.keys().next().value!);
  }

  /** Everything up to this entry is applied. */
  reach(n: number): void {
    this.reached = n;
    for (const waiter of this.waiters) if (waiter.last <= n) this.settle(waiter);
  }

  /** @param error for all that wait */
  fail(error: Error): void {
    for (const waiter of this.waiters) waiter.reject(error);
  }

  private settle({ first, last, rows, resolve, reject }: Waiter): void {
    let sum: ChangeReport | undefined;
    for (let n = first; n <= last; n++) {
      const outcome = this.outcomes.get(n);
      this.outcomes.delete(n);
      if (outcome instanceof Error) {
        reject(outcome);
        return;
      }
      if (outcome !== undefined) sum = add(sum ?? { applied: 0, ignored: 0 }, outcome);
    }
    // Applied with everything else, where the log could not be followed entry by entry.
    resolve(sum ?? { applied: rows, ignored: 0 });
  }
}

export function unconfirmed(why: string): TwoTowerError {
  return new TwoTowerError(
    'SERVING_UNCONFIRMED',
    `it is not known whether the change was stored: ${why}`,
    'Send it again: a change that arrives twice counts once, an event where its time is given.',
  );
}
