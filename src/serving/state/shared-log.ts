import { TwoTowerError } from '../../errors.js';
import type { StoredRow } from './apply.js';
import type { RedisLink } from './redis-link.js';
import { CHECK, JOIN, WRITE } from './redis-scripts.js';
import type { StoredEvent } from './serving-state.js';

/** Items, users, events. */
export type Kind = 'i' | 'u' | 'e';

/** Up to where the log was read: number and id of the last entry; 0 and `0-0` before the first. */
export interface Position {
  n: number;
  id: string;
}

export interface LogEntry extends Position {
  kind: Kind;
  /** Who wrote it. */
  writer: string;
  rows: StoredRow[] | StoredEvent[];
}

export interface LogCheck {
  epoch: string;
  /** Number of the last entry. */
  n: number;
  /** Whether the entry that was asked about is there. */
  isKnown: boolean;
  first: string;
  last: string;
}

export type Written = { result: 'ok'; first: number; last: number } | { result: 'epoch' | 'behind' };

export interface LogLimits {
  entries: number;
  bytes: number;
  events: number;
}

/** Keys that are read at once from the compacted state, and entries from a stream. */
const SCAN = '1000';
const READ_ENTRIES = '64';
export const START: Position = { n: 0, id: '0-0' };

/**
 * What a fleet shares, as it lies in Redis. All keys have one hash tag: changes are atomic also in a cluster, where one node then
 * has all of them.
 *
 *     {NAME}:meta        hash: epoch (which state this is), n (changes so far), b (their bytes)
 *     {NAME}:items       hash: key → JSON of the raw columns, `null` where it was removed; everything that ever changed
 *     {NAME}:users       the same of users
 *     {NAME}:forgotten   hash: key of a removed user → id of the last event before; older ones of that user are void
 *     {NAME}:events      stream of events, bounded
 *     {NAME}:log         stream of changes of all kinds, in their order, for those who follow; bounded
 */
export class SharedLog {
  readonly keys;

  constructor(
    readonly link: RedisLink,
    name: string,
    private readonly limits: LogLimits,
  ) {
    const key = (part: string) => `{${name}}:${part}`;
    this.keys = {
      meta: key('meta'),
      items: key('items'),
      users: key('users'),
      forgotten: key('forgotten'),
      log: key('log'),
      events: key('events'),
    };
  }

  /** @returns the epoch of the state, which is the one proposed where there was none */
  async join(proposed: string): Promise<string> {
    return String(await this.link.run(JOIN, [this.keys.meta], [proposed]));
  }

  async check({ id }: Position): Promise<LogCheck> {
    const { meta, log } = this.keys;
    const reply = (await this.link.run(CHECK, [meta, log], [id])) as [string, number, number, string, string];
    return { epoch: reply[0], n: reply[1], isKnown: reply[2] > 0, first: reply[3], last: reply[4] };
  }

  /** @param rows of items and users keys and JSON in turns, of events JSON */
  async write(epoch: string, known: number, writer: string, kind: Kind, rows: readonly string[]): Promise<Written> {
    const { meta, items, users, forgotten, log, events } = this.keys;
    const limits = [this.limits.entries, this.limits.bytes, this.limits.events].map(String);
    const args = [epoch, String(known), writer, kind, ...limits, ...rows];
    const reply = await this.link.run(WRITE, [meta, items, users, forgotten, log, events], args);
    const [result, first, last] = reply as ['ok' | 'epoch' | 'behind', number, number];
    return result === 'ok' ? { result, first, last } : { result };
  }

  /** Whether so many replicas of the server have all that was written over this connection. */
  async reached(replicas: number, timeoutMs: number): Promise<boolean> {
    return (
      Number(await this.link.send(['WAIT', String(replicas), String(timeoutMs)], 2 * timeoutMs + 1_000)) >= replicas
    );
  }

  /** Entries behind a position; waits for one for as long as `blockMs`. */
  async read(after: string, blockMs: number): Promise<LogEntry[]> {
    const reply = await this.link.send(
      ['XREAD', 'COUNT', READ_ENTRIES, 'BLOCK', String(blockMs), 'STREAMS', this.keys.log, after],
      blockMs + 5_000,
    );
    const [stream] = (reply ?? []) as [string, RawEntry[]][];
    return (stream?.[1] ?? []).map(entryOf);
  }

  /** The compacted items or users, in no order; one that changes meanwhile may come twice. */
  async *rows(of: 'items' | 'users'): AsyncGenerator<StoredRow> {
    for await (const [key, json] of this.scan(this.keys[of])) yield [key, parsed(json) as StoredRow[1]];
  }

  /** Removed users, with the id of the last event before. */
  async forgotten(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for await (const [key, id] of this.scan(this.keys.forgotten)) found.set(key, id);
    return found;
  }

  /** Events that reached the server at `since` (milliseconds since 1970) or later, with their ids. */
  async *events(since = 0): AsyncGenerator<{ id: string; event: StoredEvent }> {
    let from = since <= 0 ? '-' : String(Math.floor(since));
    for (;;) {
      const found = (await this.link.send(['XRANGE', this.keys.events, from, '+', 'COUNT', SCAN])) as RawEntry[];
      for (const [id, [, json]] of found) yield { id, event: parsed(json!) as StoredEvent };
      if (found.length < Number(SCAN)) return;
      from = `(${found.at(-1)![0]}`;
    }
  }

  private async *scan(key: string): AsyncGenerator<[string, string]> {
    let cursor = '0';
    do {
      const reply = (await this.link.send(['HSCAN', key, cursor, 'COUNT', SCAN])) as [string, string[]];
      cursor = reply[0];
      for (let i = 0; i < reply[1].length; i += 2) yield [reply[1][i]!, reply[1][i + 1]!];
    } while (cursor !== '0');
  }
}

/** −1, 0 or 1: how two ids of a stream follow one another. */
export function compareIds(a: string, b: string): number {
  const [aMs, aNth] = a.split('-').map(Number) as [number, number];
  const [bMs, bNth] = b.split('-').map(Number) as [number, number];
  return Math.sign(aMs - bMs || aNth - bNth);
}

type RawEntry = [id: string, fields: string[]];

function entryOf([id, fields]: RawEntry): LogEntry {
  const value = (name: string) => fields[fields.indexOf(name) + 1]!;
  // Names stand at even places, and before the rows, which come last.
  return {
    id,
    n: Number(value('n')),
    writer: value('w'),
    kind: value('k') as Kind,
    rows: parsed(value('d')) as LogEntry['rows'],
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    const start = json.slice(0, 40);
    throw new TwoTowerError(
      'SERVING_STATE',
      `the shared state holds what this program did not write: ${start}`,
      'Give it a name of its own with ?name=.',
    );
  }
}
