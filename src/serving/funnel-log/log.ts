import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { EngineHost } from '../contract.js';
import type { ServingState } from '../state/serving-state.js';
import { DurableMap, type Operation } from '../store/database.js';
import { FeedbackIndex, type FunnelRow, type PendingRequest, pendingOf, rowsOf } from './entry.js';
import { takeLeftBehind } from './left-behind.js';
import { type KnownEntity, writePart } from './part.js';
import type { FunnelEntry, FunnelRecorder } from './recorder.js';

export const funnelOptions = z.strictObject({
  share: z.number().min(0).max(1).default(0).describe('share of the requests that are taken down; 0: none'),
  windowSeconds: z.number().positive().default(1_800).describe('how long feedback on an answer is waited for'),
  flushSeconds: z.number().positive().default(60).describe('how often a part is written'),
  keepDays: z.number().positive().default(30).describe('age at which parts are removed'),
});
export type FunnelOptions = z.output<typeof funnelOptions>;

/** Requests in memory that wait to be written to the disk; more are dropped and counted. */
const MOST_BUFFERED = 10_000;
/** Requests of one part. */
const PART_REQUESTS = 2_000;
const WRITE_INTERVAL_MS = 1_000;
const DAY_MS = 86_400_000;
/** Feedback may be received by another clock than the one that timed the request. */
const CLOCK_MS = 60_000;

/**
 * Takes down sampled requests with every phase's scores, waits for the feedback on them and writes both together:
 *
 *     FOLDER/pending/         requests that are waited for (survive a crash but for the last second); pending-ID of the servers of a fleet
 *     FOLDER/parts/TIME-N/    events.parquet, items.jsonl, users.jsonl: see `export.ts`
 */
export class FunnelLog implements FunnelRecorder {
  /** Requests that were not taken down because too many were. */
  dropped = 0;
  private buffer: PendingRequest[] = [];
  private readonly users = new Map<string, KnownEntity>();
  /** Items whose values stand in a part of this process, with a short hash of them. */
  private readonly written = new Map<string, number>();
  private readonly timers: NodeJS.Timeout[] = [];
  private working: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly folder: string,
    /** Name of its folder; where a fleet writes one log, each server has a folder of its own. */
    private readonly name: string,
    private readonly pending: DurableMap,
    private readonly host: Pick<EngineHost, 'item' | 'user'>,
    private readonly state: ServingState,
    private readonly options: FunnelOptions,
    private readonly warn: (message: string) => void,
  ) {}

  /** @throws SERVING_STATE */
  static async open(
    folder: string,
    parts: {
      host: Pick<EngineHost, 'item' | 'user'>;
      state: ServingState;
      options: FunnelOptions;
      /** Whether other servers write to the same folder. */
      shared?: boolean;
      warn: (message: string) => void;
    },
  ): Promise<FunnelLog> {
    await mkdir(join(folder, 'parts'), { recursive: true });
    const name = parts.shared === true ? `pending-${randomUUID()}` : 'pending';
    const pending = await DurableMap.open(join(folder, name));
    return new FunnelLog(folder, name, pending, parts.host, parts.state, parts.options, parts.warn);
  }

  /** Writes to the disk from now on by itself. */
  start(): void {
    const told = (work: () => Promise<unknown>) => () =>
      void work().catch((error: Error) => this.warn(`funnel log: ${error.message}`));
    this.timers.push(
      setInterval(
        told(() => this.save()),
        WRITE_INTERVAL_MS,
      ),
      setInterval(
        told(() => this.flush(Date.now())),
        this.options.flushSeconds * 1000,
      ),
    );
  }

  samples(id: string): boolean {
    return Number.parseInt(id.slice(0, 8), 16) < this.options.share * 2 ** 32;
  }

  record(entry: FunnelEntry): void {
    const request = pendingOf(entry);
    if (request === undefined) return;
    if (this.buffer.length >= MOST_BUFFERED) {
      this.dropped++;
      return;
    }
    this.buffer.push(request);
    // As the user is now: what follows is in the log itself.
    if (!this.users.has(request.user)) this.users.set(request.user, this.userNow(request.user));
  }

  /** Makes what was recorded survive the process. */
  save(): Promise<void> {
    return this.alone(async () => {
      // A copy: more is recorded while this is written.
      const taken = this.buffer.slice();
      if (taken.length === 0) return;
      const operations = taken.flatMap((request): Operation[] => {
        const user = this.users.get(request.user);
        return [
          { type: 'put', key: `r!${stamp(request.time * 1000)}!${request.id}`, value: JSON.stringify(request) },
          ...(user === undefined
            ? []
            : [{ type: 'put' as const, key: `u!${request.user}`, value: JSON.stringify(user) }]),
        ];
      });
      await this.pending.write(operations);
      this.buffer = this.buffer.slice(taken.length);
    });
  }

  /** Writes the requests that have waited long enough at `now` (milliseconds since 1970), with the feedback on them. */
  async flush(now: number): Promise<{ requests: number }> {
    await this.save();
    return this.alone(async () => {
      let requests = 0;
      if (this.name !== 'pending') await takeLeftBehind(this.folder, { name: this.name, map: this.pending });
      for (;;) {
        const ready = await this.ready(now - this.options.windowSeconds * 1000);
        if (ready.length === 0) break;
        await this.writePart(ready);
        requests += ready.length;
      }
      await this.removeOld(now);
      return { requests };
    });
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.save().catch((error: Error) => this.warn(`funnel log: ${error.message}`));
    await this.pending.close();
  }

  private async ready(until: number): Promise<[key: string, request: PendingRequest][]> {
    const found: [string, PendingRequest][] = [];
    for await (const [key, value] of this.pending.entries({
      gte: 'r!',
      lt: `r!${stamp(until)}`,
      limit: PART_REQUESTS,
    })) {
      found.push([key, JSON.parse(value) as PendingRequest]);
    }
    return found;
  }

  private async writePart(ready: [key: string, request: PendingRequest][]): Promise<void> {
    const requests = ready.map(([, request]) => request);
    const window = this.options.windowSeconds;
    const feedback = new FeedbackIndex();
    for await (const event of this.state.eventsSince(requests[0]!.time * 1000 - CLOCK_MS)) feedback.add(event);

    const items = new Map<string, KnownEntity>();
    const note = (key: string) => {
      if (items.has(key)) return;
      const values = this.host.item(key)?.values ?? {};
      const hash = hashOf(JSON.stringify(values));
      if (this.written.get(key) === hash) return;
      this.written.set(key, hash);
      items.set(key, { key, values });
    };
    const keys = [...new Set(requests.map(({ user }) => `u!${user}`))];
    const stored = (await this.pending.get(keys)).filter((value) => value !== undefined);
    const users = stored.map((value) => JSON.parse(value) as KnownEntity);
    for (const { histories = {} } of users) for (const history of Object.values(histories)) history.items.forEach(note);
    for (const { phases } of requests) for (const phase of phases) phase.items.forEach(note);

    function* rows(): Generator<FunnelRow> {
      for (const request of requests) yield* rowsOf(request, feedback, window);
    }
    const name = `${stamp(requests[0]!.time * 1000)}-${requests[0]!.id.slice(0, 8)}`;
    try {
      await writePart(join(this.folder, 'parts', name), { rows: rows(), items: items.values(), users });
    } catch (error) {
      for (const key of items.keys()) this.written.delete(key);
      throw error;
    }
    await this.pending.write([...ready.map(([key]) => key), ...keys].map((key): Operation => ({ type: 'del', key })));
    for (const { user } of requests) this.users.delete(user);
  }

  private async removeOld(now: number): Promise<void> {
    const oldest = stamp(now - this.options.keepDays * DAY_MS);
    for (const name of await readdir(join(this.folder, 'parts'))) {
      if (/^\d/.test(name) && name < oldest)
        await rm(join(this.folder, 'parts', name), { recursive: true, force: true });
    }
  }

  private userNow(key: string): KnownEntity {
    const user = this.host.user(key);
    const histories = Object.entries(user?.histories ?? {}).map(([name, events]) => {
      const last = events.at(-1)?.time;
      return [name, { items: events.map(({ item }) => item), lastTime: Number.isFinite(last) ? last! : null }] as const;
    });
    return { key, values: user?.values ?? {}, histories: Object.fromEntries(histories) };
  }

  /** One after another: saving, flushing. */
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.working.then(work);
    this.working = done.catch(() => {});
    return done;
  }
}

/** Milliseconds since 1970 as text that sorts by time. */
function stamp(ms: number): string {
  return String(Math.max(0, Math.floor(ms))).padStart(15, '0');
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
