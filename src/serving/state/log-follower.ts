import { TwoTowerError } from '../../errors.js';
import type { Stale } from '../contract.js';
import { FLEET_FILE } from './fleet-file.js';
import { applyGroup, grouped } from './follow.js';
import { PendingWrites, unconfirmed } from './pending-writes.js';
import { openLinks, type RedisLinks } from './redis-links.js';
import type { RedisAddress } from './redis-url.js';
import { replayAll } from './replay.js';
import type { ChangeTarget, StateStatus } from './serving-state.js';
import {
  compareIds,
  type LogCheck,
  type LogEntry,
  type LogLimits,
  type Position,
  type SharedLog,
} from './shared-log.js';
import { verdictOn } from './verdict.js';

/** Where a server tells what happens to it. */
export interface StateLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface FollowerParts {
  address: RedisAddress;
  limits: LogLimits;
  log: StateLog;
  links: RedisLinks;
  epoch: string;
  /** Who writes here: entries of the log that somebody here waits for. */
  writer: string;
  /** Where the log stood before anything was read. */
  position: Position;
}

/** Milliseconds between two looks at whether it is still the state that was read. */
const CHECK_MS = 1_000;
/** Between two attempts to reach it. */
const RETRY_MS = 250;
/** A change that is not applied here after so long is late. */
const LATE_MS = 1_000;

class StateLost extends Error {}

/** Applies the changes of the log in their order, over one pair of connections after the other, and knows how far it is. */
export class LogFollower {
  readonly writes: PendingWrites;
  position: Position;
  private links: RedisLinks | undefined;
  private target: ChangeTarget | undefined;
  private trouble: Stale | undefined;
  /** A change that was seen in the log and not applied yet, and when; milliseconds. */
  private ahead: { n: number; at: number } | undefined;
  private seen: number;
  private rebuilt = 0;
  private isClosed = false;
  private isDoubted = false;
  private wake = () => {};
  private loop: Promise<void> | undefined;

  constructor(private readonly parts: FollowerParts) {
    this.position = parts.position;
    this.links = parts.links;
    this.seen = parts.position.n;
    this.writes = new PendingWrites(parts.position.n);
  }

  start(target: ChangeTarget): void {
    this.target = target;
    this.loop ??= this.run();
  }

  /** The connections that work now. @throws SERVING_STATE where the state cannot be reached, or is lost */
  reachable(): RedisLinks {
    if (this.links !== undefined && this.trouble === undefined) return this.links;
    throw notStored(this.trouble?.detail ?? 'the shared state is not reachable yet');
  }

  /** Applies everything that is stored to what was just loaded. @throws SERVING_STATE where it cannot be read, or is lost */
  async replay(target: ChangeTarget, warn: (message: string) => void): Promise<{ rows: number }> {
    const { log } = this.reachable();
    try {
      const counted = await replayFrom(log, target, warn);
      // It may have been emptied while it was read.
      this.judge(await log.check(this.position));
      return counted;
    } catch (error) {
      if (error instanceof TwoTowerError) throw error;
      throw new TwoTowerError('SERVING_STATE', `the shared state could not be read: ${(error as Error).message}`);
    }
  }

  /** Lets go of the connections, and looks at once over others whether it is still the state that was read. */
  doubt(): void {
    this.isDoubted = true;
    this.links?.close();
  }

  /** A change with this number is in the log. */
  see(n: number): void {
    this.seen = Math.max(this.seen, n);
    if (this.seen > this.position.n) this.ahead ??= { n: this.seen, at: Date.now() };
  }

  status(): StateStatus {
    const behind = Math.max(0, this.seen - this.position.n);
    const late = this.ahead !== undefined && Date.now() - this.ahead.at > LATE_MS ? this.ahead : undefined;
    const stale: Stale | undefined =
      this.trouble ??
      (late && { reason: 'behind', since: late.at / 1000, detail: `${behind} changes are not applied here yet` });
    return { ...(stale !== undefined && { stale }), behind, rebuilt: this.rebuilt };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.wake();
    this.links?.close();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.isClosed) {
      try {
        this.links ??= await openLinks(this.parts.address, this.parts.limits);
        if (this.isClosed) {
          this.links.close();
          return;
        }
        await this.check(this.links.log);
        this.settle();
        await this.tail(this.links);
      } catch (error) {
        this.links?.close();
        this.links = undefined;
        if (this.isClosed) return;
        if (this.isDoubted) {
          this.isDoubted = false;
          continue;
        }
        this.complain(error as Error);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, RETRY_MS);
          this.wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  }

  private async tail({ log, tail }: RedisLinks): Promise<never> {
    for (let checked = Date.now(); ; ) {
      await this.take(log, await tail.read(this.position.id, CHECK_MS));
      if (Date.now() - checked < CHECK_MS) continue;
      await this.check(log);
      checked = Date.now();
    }
  }

  private async take(log: SharedLog, entries: readonly LogEntry[]): Promise<void> {
    if (entries.length > 0) this.see(entries.at(-1)!.n);
    const { groups, gap } = grouped(entries, this.position, this.parts.writer);
    for (const group of groups) {
      const outcome = await applyGroup(group, this.target!, (error) => {
        this.parts.log.warn(`a stored change was not applied: ${error.message}`);
      });
      if (group.isOwn) this.writes.note(group.end.n, outcome);
      this.moveTo(group.end);
    }
    if (gap) await this.check(log, true);
  }

  /** Looks whether it is still the state that was read, and reads it again where changes are missing. */
  private async check(log: SharedLog, gap = false): Promise<void> {
    let check = await log.check(this.position);
    if (check.epoch === '' && this.position.n === 0) {
      // It was emptied before anything was in it.
      await log.join(this.parts.epoch);
      check = await log.check(this.position);
    }
    const isWhole = this.judge(check) && !gap;
    // Not only upwards: what was seen may have been taken back before it was read.
    this.seen = Math.max(check.n, this.position.n);
    if (this.seen === this.position.n) this.ahead = undefined;
    else this.see(check.n);
    if (isWhole) return;
    this.parts.log.warn('changes were missed that are no longer in the log: all of the shared state is read again');
    await replayFrom(log, this.target!, (message) => this.parts.log.warn(message));
    this.rebuilt++;
    this.moveTo({ n: check.n, id: check.last });
  }

  /** @returns whether nothing is missing; @throws StateLost */
  private judge(check: LogCheck): boolean {
    const verdict = verdictOn(check, this.parts.epoch, this.position);
    if (verdict.kind === 'lost') throw new StateLost(`the shared state was lost: ${verdict.how}`);
    return verdict.kind === 'same';
  }

  private moveTo(position: Position): void {
    this.position = position;
    if (this.ahead !== undefined && this.ahead.n <= position.n) {
      this.ahead = this.seen > position.n ? { n: this.seen, at: Date.now() } : undefined;
    }
    this.writes.reach(position.n);
  }

  private settle(): void {
    if (this.trouble === undefined) return;
    this.parts.log.info('the shared state is back, and what changed meanwhile is being applied');
    this.trouble = undefined;
  }

  private complain(error: Error): void {
    const isLost = error instanceof StateLost;
    const reason = isLost ? 'lost' : 'unreachable';
    const before = this.trouble;
    const detail = isLost ? error.message : 'the shared state does not answer';
    this.trouble = { reason, since: before?.since ?? Date.now() / 1000, detail };
    if (before?.reason === reason) return;
    if (isLost) {
      this.writes.fail(unconfirmed(detail));
      this.parts.log.error(
        `${this.parts.address.shown}: ${detail}. The last known state is served and changes are refused until what it held is back; ` +
          `to go on with what it holds now, remove ${FLEET_FILE} from the store and start all servers again`,
      );
    } else {
      this.parts.log.error(
        `${this.parts.address.shown}: the shared state does not answer: ${error.message.split('\n')[0]}; the last known state is served`,
      );
    }
  }
}

async function replayFrom(log: SharedLog, target: ChangeTarget, warn: (message: string) => void) {
  const forgotten = await log.forgotten();
  const isKept = (user: string, id: string) => {
    const last = forgotten.get(user);
    return last === undefined || compareIds(id, last) > 0;
  };
  return replayAll(
    {
      items: () => log.rows('items'),
      users: () => log.rows('users'),
      async *removedUsers() {
        yield* forgotten.keys();
      },
      async *events() {
        for await (const { id, event } of log.events()) if (isKept(event.user, id)) yield event;
      },
    },
    target,
    warn,
  );
}

export function notStored(why: string): TwoTowerError {
  return new TwoTowerError('SERVING_STATE', `the change was not stored: ${why}`, 'Send it again later.');
}
