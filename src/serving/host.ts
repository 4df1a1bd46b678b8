import { didYouMean, TwoTowerError } from '../errors.js';
import type {
  AnswerBase,
  ChangeReport,
  Engine,
  EngineHost,
  FeedbackEvent,
  ItemRow,
  Key,
  RankRequest,
  RecommendRequest,
  RefusedVersion,
  Stale,
  UserRow,
} from './contract.js';
import { type EngineOptions, openEngine } from './engine/engine.js';
import { stateOf } from './folder-state.js';
import { type Pointer, readPointer, sharesOf, versionFolder } from './store.js';
import { fallsToTrial } from './traffic.js';

export interface HostOptions extends EngineOptions {
  /** Milliseconds between two looks at the store's pointer; 1000 unless given, 0 never looks by itself. */
  pollMs?: number;
  /**
   * Brings a version that was just loaded to what has changed since it was published, before it answers. Whatever the host was
   * told before this is called must be found there: write changes down first, then tell the host. What the host is told
   * meanwhile follows by itself.
   */
  prepare?: (engine: Engine) => Promise<void>;
  /** Why answers may be older than what is stored. They say so, and no version is loaded that could not be prepared. */
  stale?: () => Stale | undefined;
  /** Told when other versions answer from now on, and when one was refused. */
  onChange?: (live: { version: string; share: number }[]) => void;
  onRefused?: (refused: RefusedVersion) => void;
}

/** States of users that a version has when it begins to answer, of each version that answers now. */
const EXPECTED = 500;
/** Refusals that are remembered. */
const REMEMBERED = 20;

interface Live {
  engine: Engine;
  share: number;
}

/**
 * Serves what a store's pointer names. A version is loaded, checked and warmed while the ones before it answer; then one
 * reference changes. Requests under way end with the version they began with, which is freed after them.
 *
 * @throws SERVING_STORE when `store` is none; a bad version in it is no error: see `ready` and `refused`
 */
export async function openHost(store: string, options: HostOptions = {}): Promise<EngineHost> {
  await readPointer(store);
  const host = new StoreHost(store, options);
  await host.refresh();
  host.watch();
  return host;
}

type Change = (engine: Engine) => Promise<ChangeReport>;

class StoreHost implements EngineHost {
  private engines: readonly Live[] = [];
  /** Changes that arrive while a version is prepared: it gets them too, in their order. */
  private readonly backlogs = new Set<Change[]>();
  /** Versions that are ready and do not answer yet: they take part in changes. */
  private readonly joining = new Set<Engine>();
  private readonly refusals: RefusedVersion[] = [];
  /** What the files of a refused version were like. */
  private readonly tried = new Map<string, { state: string; refusal: RefusedVersion }>();
  /** Versions that no longer answer but still finish what they began. */
  private readonly leaving = new Set<Promise<void>>();
  private refreshing: Promise<{ changed: boolean; refused?: RefusedVersion }> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly store: string,
    private readonly options: HostOptions,
  ) {}

  watch(): void {
    const { pollMs = 1000 } = this.options;
    if (pollMs > 0) this.timer = setInterval(() => void this.refresh(), pollMs).unref();
  }

  recommend(request: RecommendRequest, version?: string, isWanted?: () => boolean) {
    return this.ask(request.user, version, (engine) => engine.recommend(request, isWanted));
  }

  rank(request: RankRequest, version?: string, isWanted?: () => boolean) {
    return this.ask(request.user, version, (engine) => engine.rank(request, isWanted));
  }

  putItems(items: readonly ItemRow[]) {
    return this.changeAll((engine) => engine.putItems(items));
  }

  deleteItems(keys: readonly Key[]) {
    return this.changeAll((engine) => engine.deleteItems(keys));
  }

  putUsers(users: readonly UserRow[]) {
    return this.changeAll((engine) => engine.putUsers(users));
  }

  deleteUsers(keys: readonly Key[]) {
    return this.changeAll((engine) => engine.deleteUsers(keys));
  }

  addEvents(events: readonly FeedbackEvent[]) {
    // One time for all versions, also for one that gets them later.
    const now = Date.now() / 1e3;
    const timed = events.map((event) => ({ ...event, time: event.time ?? now }));
    return this.changeAll((engine) => engine.addEvents(timed));
  }

  item(key: Key) {
    return this.engines[0]?.engine.item(key);
  }

  user(key: Key) {
    return this.engines[0]?.engine.user(key);
  }

  live() {
    return this.engines.map(({ engine, share }) => ({ info: engine.info, share, stats: engine.stats() }));
  }

  turnsAway(): boolean {
    const [current] = this.engines;
    if (current === undefined || !this.engines.every(({ engine }) => engine.isFull())) return false;
    current.engine.countRefused();
    return true;
  }

  refused(): RefusedVersion[] {
    return [...this.refusals];
  }

  ready(): boolean {
    return !this.closed && this.engines.length > 0;
  }

  refresh(): Promise<{ changed: boolean; refused?: RefusedVersion }> {
    this.refreshing ??= this.follow().finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.refreshing?.catch(() => {});
    const engines = this.engines;
    this.engines = [];
    await Promise.all([...engines.map(({ engine }) => engine.close()), ...this.leaving]);
  }

  private async ask<A extends AnswerBase>(
    user: Key | undefined,
    version: string | undefined,
    ask: (engine: Engine) => Promise<A>,
  ): Promise<A> {
    const answer = await ask(this.engineFor(user, version));
    const stale = this.options.stale?.();
    return stale === undefined ? answer : { ...answer, stale };
  }

  private engineFor(user: Key | undefined, version: string | undefined): Engine {
    const { engines } = this;
    if (engines.length === 0) throw new TwoTowerError('SERVING_CLOSED', 'no version is ready to answer');
    if (version !== undefined) {
      const live = engines.find(({ engine }) => engine.info.id === version);
      if (live !== undefined) return live.engine;
      const known = engines.map(({ engine }) => engine.info.id);
      throw new TwoTowerError('USAGE', `version: "${version}" is not live`, didYouMean(version, known));
    }
    const [current, trial] = engines;
    return trial !== undefined && fallsToTrial(user, trial.share) ? trial.engine : current!.engine;
  }

  private async changeAll(change: Change): Promise<ChangeReport> {
    for (const backlog of this.backlogs) backlog.push(change);
    const engines = [...this.engines.map(({ engine }) => engine), ...this.joining];
    const reports = await Promise.all(engines.map(change));
    return reports[0] ?? { applied: 0, ignored: 0 };
  }

  private async follow(): Promise<{ changed: boolean; refused?: RefusedVersion }> {
    if (this.closed) return { changed: false };
    let pointer: Pointer | undefined;
    try {
      pointer = await readPointer(this.store);
    } catch (error) {
      return { changed: false, refused: this.refuse('current.json', error) };
    }
    const wanted = sharesOf(pointer);
    const isSame =
      wanted.length === this.engines.length &&
      wanted.every(
        ({ version, share }, i) => this.engines[i]!.engine.info.id === version && this.engines[i]!.share === share,
      );
    if (wanted.length === 0 || isSame) return { changed: false };

    const next: Live[] = [];
    let refused: RefusedVersion | undefined;
    for (const { version, share } of wanted) {
      const known = this.engines.find(({ engine }) => engine.info.id === version);
      const engine = known?.engine ?? (await this.open(version));
      if ('info' in engine) next.push({ engine, share });
      else {
        refused = engine;
        // Without the current version nothing changes; without the trial the current one has all users.
        if (next.length === 0) return { changed: false, refused };
        next[0]!.share = 1;
      }
    }
    const changed =
      next.length !== this.engines.length ||
      next.some(({ engine, share }, i) => this.engines[i]?.engine !== engine || this.engines[i]?.share !== share);
    if (changed) this.changeOver(next);
    return { changed, ...(refused && { refused }) };
  }

  /** From here on requests go to these; the others are freed once they have answered what they have begun. */
  private changeOver(next: readonly Live[]): void {
    const before = this.engines;
    this.engines = next;
    this.joining.clear();
    for (const { engine } of before) {
      if (next.some((live) => live.engine === engine)) continue;
      const leaving = engine.close().finally(() => this.leaving.delete(leaving));
      this.leaving.add(leaving);
    }
    this.options.onChange?.(next.map(({ engine, share }) => ({ version: engine.info.id, share })));
  }

  private async open(version: string): Promise<Engine | RefusedVersion> {
    const folder = versionFolder(this.store, version);
    const state = await stateOf(folder);
    const known = this.tried.get(version);
    // What was refused is tried again once something about it has changed.
    if (known?.state === state) return known.refusal;
    const backlog: Change[] = [];
    this.backlogs.add(backlog);
    let engine: Engine | undefined;
    try {
      this.refuseStale();
      engine = await openEngine(folder, { ...this.options, beside: this.engines.length > 0 });
      if (engine.info.id !== version) {
        const message = `${folder} holds version ${engine.info.id}`;
        throw new TwoTowerError('SERVING_STORE', message, 'A version folder has the name of its version: rename it.');
      }
      await this.options.prepare?.(engine);
      while (backlog.length > 0) await backlog.shift()!(engine);
      await engine.expect(this.engines.flatMap((live) => live.engine.visitors(EXPECTED)));
      while (backlog.length > 0) await backlog.shift()!(engine);
      this.joining.add(engine);
      return engine;
    } catch (error) {
      await engine?.close();
      const refusal = this.refuse(version, error);
      this.tried.clear();
      // What it lacked lies outside of its folder.
      if (refusal.code !== 'SERVING_STATE') this.tried.set(version, { state, refusal });
      return refusal;
    } finally {
      this.backlogs.delete(backlog);
    }
  }

  /** @throws SERVING_STATE where what has changed since the version's publication cannot be read */
  private refuseStale(): void {
    const stale = this.options.stale?.();
    if (stale === undefined || stale.reason === 'behind') return;
    throw new TwoTowerError('SERVING_STATE', `what has changed since cannot be read: ${stale.detail}`);
  }

  private refuse(version: string, error: unknown): RefusedVersion {
    const code = error instanceof TwoTowerError ? error.code : 'SERVING_STORE';
    const refusal = { version, code, reason: (error as Error).message, at: new Date().toISOString() };
    const last = this.refusals.at(-1);
    const isNew = last?.version !== version || last.reason !== refusal.reason;
    if (!isNew) this.refusals.pop();
    this.refusals.push(refusal);
    if (this.refusals.length > REMEMBERED) this.refusals.shift();
    if (isNew) this.options.onRefused?.(refusal);
    return refusal;
  }
}
