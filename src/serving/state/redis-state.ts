import { randomUUID } from 'node:crypto';
import { TwoTowerError } from '../../errors.js';
import type { ChangeReport, ItemRow, Key, UserRow } from '../contract.js';
import { carryOver, eventsOf, removalsOf, rowsOf } from './carry-over.js';
import { FLEET_FILE, readEpoch, writeEpoch } from './fleet-file.js';
import { LogFollower, notStored, type StateLog } from './log-follower.js';
import { unconfirmed } from './pending-writes.js';
import { inWords, isReply, wasNotSent } from './redis-errors.js';
import { openLinks } from './redis-links.js';
import { parseRedisUrl } from './redis-url.js';
import type { ChangeTarget, ServingState, StateStatus, StoredEvent } from './serving-state.js';
import { type Kind, type LogLimits, START } from './shared-log.js';
import { verdictOn } from './verdict.js';

export interface RedisStateOptions {
  /** Folder of the store: it remembers which state it is served with. */
  store: string;
  log: StateLog;
  /** Of the log of changes: how many are kept for those who follow. */
  limits?: Partial<Omit<LogLimits, 'events'>>;
  /** Opens what a new state begins with. It is closed again. */
  before?: () => Promise<ServingState>;
}

const DEFAULT_LIMITS = { entries: 100_000, bytes: 64 * 2 ** 20 };
/** Milliseconds until a stored change has to be applied here. */
const APPLY_MS = 5_000;
/** Milliseconds until replicas of the server have to have it. */
const REPLICAS_MS = 1_000;

/**
 * Items, users and events in Redis or Valkey, shared by all servers of a fleet. A change is acknowledged once Redis has it and it is
 * applied here; each server, the one that wrote it included, applies the log's changes in the log's order.
 */
export class RedisState implements ServingState {
  private readonly running = new Set<Promise<unknown>>();

  private constructor(
    private readonly follower: LogFollower,
    private readonly epoch: string,
    private readonly writer: string,
    /** Of the server, that must have a change before it is acknowledged. */
    private readonly replicas: number,
  ) {}

  /** @throws USAGE for a bad address; SERVING_STATE where it cannot be reached, or is not the state that the store was served with */
  static async open(url: string, { store, log, limits, before }: RedisStateOptions): Promise<RedisState> {
    const address = parseRedisUrl(url);
    const known = await readEpoch(store);
    const allLimits = { ...DEFAULT_LIMITS, ...limits, events: address.options.events };
    const links = await openLinks(address, allLimits);
    try {
      const epoch = known ?? (await links.log.join(randomUUID()));
      const writer = randomUUID();
      let check = await links.log.check(START);
      const verdict = verdictOn(check, epoch, START);
      if (verdict.kind === 'lost') {
        const what = `${address.shown} does not hold the state that ${store} was served with: ${verdict.how}`;
        const remedy = `Bring back what it held. To go on with what it holds now, remove ${FLEET_FILE} from the store and start again.`;
        throw new TwoTowerError('SERVING_STATE', what, remedy);
      }
      if (known === undefined && !(await writeEpoch(store, epoch))) {
        log.warn(
          `${store} cannot be written: that the shared state was emptied would not be noticed at the next start`,
        );
      }
      for (const warning of links.warnings) log.warn(`${address.shown}: ${warning}`);
      if (check.n === 0 && before !== undefined) {
        const from = await before();
        const { rows } = await carryOver(from, links.log, epoch, writer).finally(() => from.close());
        log.info(`${rows} changes of a single server carried over into the shared state`);
        check = await links.log.check(START);
      }
      const position = { n: check.n, id: check.last };
      const follower = new LogFollower({ address, limits: allLimits, log, links, epoch, writer, position });
      return new RedisState(follower, epoch, writer, address.options.replicas);
    } catch (error) {
      links.close();
      throw inWords(address, error);
    }
  }

  putItems(rows: readonly ItemRow[]): Promise<ChangeReport> {
    return this.change('i', rows.length, rowsOf(rows));
  }

  deleteItems(keys: readonly Key[]): Promise<ChangeReport> {
    return this.change('i', keys.length, removalsOf(keys));
  }

  putUsers(rows: readonly UserRow[]): Promise<ChangeReport> {
    return this.change('u', rows.length, rowsOf(rows));
  }

  deleteUsers(keys: readonly Key[]): Promise<ChangeReport> {
    return this.change('u', keys.length, removalsOf(keys));
  }

  addEvents(events: readonly StoredEvent[]): Promise<ChangeReport> {
    return this.change('e', events.length, eventsOf(events));
  }

  replay(target: ChangeTarget, warn: (message: string) => void): Promise<{ rows: number }> {
    return this.follower.replay(target, warn);
  }

  follow(target: ChangeTarget): void {
    this.follower.start(target);
  }

  async *eventsSince(since: number): AsyncGenerator<StoredEvent> {
    for await (const { event } of this.follower.reachable().log.events(since)) yield event;
  }

  status(): StateStatus {
    return this.follower.status();
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.running);
    await this.follower.close();
  }

  private change(kind: Kind, count: number, rows: readonly string[]): Promise<ChangeReport> {
    const work = this.write(kind, count, rows).finally(() => this.running.delete(work));
    this.running.add(work);
    return work;
  }

  private async write(kind: Kind, count: number, rows: readonly string[]): Promise<ChangeReport> {
    const { follower, replicas } = this;
    const links = follower.reachable();
    let last: number;
    let first: number;
    try {
      const written = await links.log.write(this.epoch, follower.position.n, this.writer, kind, rows);
      if (written.result !== 'ok') {
        follower.doubt();
        throw notStored('the shared state is not the one that was read');
      }
      ({ first, last } = written);
      follower.see(last);
      if (replicas > 0 && !(await links.log.reached(replicas, REPLICAS_MS))) {
        throw unconfirmed(`fewer than ${replicas} replicas of the server have it`);
      }
    } catch (error) {
      if (error instanceof TwoTowerError) throw error;
      const { message } = error as Error;
      // Memory that is full is no matter of the connection; a server that has become a replica is.
      if (!isReply(error) || /^(READONLY|MOVED|CLUSTERDOWN|NOAUTH)/.test(message)) follower.doubt();
      if (isReply(error)) throw notStored(`the server refuses it: ${message}`);
      throw wasNotSent(error) ? notStored(message) : unconfirmed(message);
    }
    return follower.writes.until(first, last, count, APPLY_MS);
  }
}
