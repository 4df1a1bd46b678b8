import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { TwoTowerError } from '../errors.js';
import { isS3Url } from '../s3/address.js';
import type { EngineOptions } from './engine/engine.js';
import { FunnelLog, type FunnelOptions } from './funnel-log/log.js';
import { openHost } from './host.js';
import { createKey, type KeyEntry, KeyRing, readKeyFile } from './http/keys.js';
import type { ServiceOptions } from './http/options.js';
import { createService, refuseOpenWorld } from './http/service.js';
import { openMirror } from './s3/mirror.js';
import { RedisState } from './state/redis-state.js';
import type { ServingState } from './state/serving-state.js';
import { StateStore } from './store/state-store.js';

/** Folders in a store that the server writes: what changed at run time, and the funnel log. */
export const SERVER_FOLDERS = { state: 'state', funnel: 'funnel' } as const;

export interface ServeOptions {
  /** A folder, or a store in a bucket: `s3://BUCKET/PREFIX`. */
  store: string;
  /**
   * For a store in a bucket, the folder that its versions are fetched to and that this server writes to. It is a store of its own in
   * all that follows.
   */
  cache?: string | undefined;
  /**
   * Address of the Redis or Valkey that several servers of the store share: `redis://…`. What changes at run time lies there, and
   * nothing but the funnel log in the store. Without one it lies in the store, which this server then has to itself.
   */
  state?: string | undefined;
  service: ServiceOptions;
  funnel: FunnelOptions;
  /** File of API keys; without one reading is open (on loopback only) and a key for writing is made up. */
  keyFile?: string | undefined;
  engine?: EngineOptions;
  /** Milliseconds between two looks at the store's pointer; see `openHost`. */
  pollMs?: number;
  log: Logger;
}

export interface Serving {
  url: string;
  /** The key for changes that was made up for this run, where no key file was given. */
  writeKey: string | undefined;
  /** Writes what is ready of the funnel log now, not at its next interval. */
  flushFunnelLog(now?: number): Promise<{ requests: number }>;
  /** Looks at the store's pointer now. */
  refresh(): Promise<void>;
  /** Drains, then closes everything. @returns whether all requests under way were answered */
  stop(): Promise<{ clean: boolean }>;
}

/**
 * Serves a store: opens what was changed at run time, loads the current version with it, and listens when it is warm. Where the
 * current version cannot be loaded the server listens all the same and is not ready until one can.
 *
 * @throws SERVING_STORE where `store` is none, SERVING_STATE where another server has it open or the shared state cannot be reached,
 * USAGE, CONFIG_INVALID
 */
export async function serve({
  store: origin,
  cache,
  state: shared,
  service: options,
  funnel: funnelOptions,
  log,
  ...rest
}: ServeOptions): Promise<Serving> {
  const store = folderOf(origin, cache);
  if (isS3Url(origin) && shared !== undefined && funnelOptions.share > 0) {
    throw new TwoTowerError(
      'USAGE',
      'the funnel log of a fleet lies in one folder that all servers write to, and a bucket is none',
      'Leave out --log-share, or serve a store in a shared folder.',
    );
  }
  const { keys, writeKey } = keysOf(rest.keyFile);
  refuseOpenWorld(options, keys);
  const warn = (message: string) => log.warn(message);
  // In this order, and closed in the other: each uses the ones before it.
  const open: { close(): Promise<void> }[] = [];
  const closeAll = async () => {
    for (const part of open.splice(0).reverse()) await part.close();
  };
  try {
    const mirror = isS3Url(origin)
      ? await openMirror({
          store: origin,
          folder: store,
          log,
          ...(rest.pollMs !== undefined && { pollMs: rest.pollMs }),
        })
      : undefined;
    if (mirror !== undefined) open.push(mirror);
    const state = await openState(store, shared, log);
    open.push(state);
    const host = await openHost(store, {
      ...rest.engine,
      ...(rest.pollMs !== undefined && { pollMs: rest.pollMs }),
      async prepare(engine) {
        const { rows } = await state.replay(engine, warn);
        if (rows > 0) log.info({ version: engine.info.id, rows }, 'changes since publication applied');
      },
      stale: () => state.status().stale,
      onChange: (live) => log.info({ live }, 'versions that answer'),
      onRefused: (refused) => log.error({ refused }, 'a version was refused'),
    });
    open.push(host);
    state.follow(host);
    let funnel: FunnelLog | undefined;
    if (funnelOptions.share > 0) {
      funnel = await FunnelLog.open(join(store, SERVER_FOLDERS.funnel), {
        host,
        state,
        options: funnelOptions,
        shared: shared !== undefined,
        warn,
      });
      open.push(funnel);
      funnel.start();
    }
    const service = await createService({ host, state, keys, options, log, funnel });
    const url = await service.listen();
    return {
      url,
      writeKey,
      flushFunnelLog: (now = Date.now()) => funnel?.flush(now) ?? Promise.resolve({ requests: 0 }),
      async refresh() {
        await mirror?.sync();
        await host.refresh();
      },
      async stop() {
        const drained = await service.drain();
        await closeAll();
        return drained;
      },
    };
  } catch (error) {
    await closeAll();
    throw listenError(error, options);
  }
}

/** @throws SERVING_STORE where a folder is no store, USAGE where there is none for what a bucket holds */
function folderOf(store: string, cache: string | undefined): string {
  if (isS3Url(store)) {
    if (cache !== undefined) return cache;
    throw new TwoTowerError(
      'USAGE',
      `${store} needs a folder for what is fetched`,
      'Give one with --cache; it stays between starts.',
    );
  }
  if (cache !== undefined)
    throw new TwoTowerError('USAGE', `${store} is a folder: nothing is fetched`, 'Leave out --cache.');
  if (existsSync(join(store, 'versions'))) return store;
  throw new TwoTowerError(
    'SERVING_STORE',
    `${store} is no store`,
    `Publish a run there: twotower publish RUN --to ${store}`,
  );
}

async function openState(store: string, shared: string | undefined, log: Logger): Promise<ServingState> {
  const folder = join(store, SERVER_FOLDERS.state);
  if (shared === undefined) return StateStore.open(folder);
  let isCarriedOver = false;
  const state = await RedisState.open(shared, {
    store,
    ...(existsSync(folder) && {
      before() {
        isCarriedOver = true;
        return StateStore.open(folder);
      },
    }),
    log: {
      info: (message) => log.info(message),
      warn: (message) => log.warn(message),
      error: (message) => log.error(message),
    },
  });
  if (isCarriedOver) {
    await rename(folder, `${folder}-carried-over`).catch((error: Error) => log.warn(error.message));
  } else if (existsSync(folder)) {
    log.warn(
      `${folder} holds changes of a single server: they are not part of the shared state, which was there before`,
    );
  }
  return state;
}

function keysOf(file: string | undefined): { keys: KeyRing; writeKey: string | undefined } {
  if (file !== undefined) return { keys: new KeyRing(readKeyFile(file), false), writeKey: undefined };
  const { key, entry }: { key: string; entry: KeyEntry } = createKey('this run', 'write');
  return { keys: new KeyRing([entry], true), writeKey: key };
}

function listenError(error: unknown, { host, port }: ServiceOptions): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new TwoTowerError('USAGE', `port ${port} of ${host} is in use`, 'Give another one with --port.');
  if (code === 'EACCES')
    return new TwoTowerError('USAGE', `port ${port} needs more rights`, 'Give one above 1023 with --port.');
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new TwoTowerError('USAGE', `${host} is no address of this machine`, 'Give one with --host.');
  }
  return error;
}
