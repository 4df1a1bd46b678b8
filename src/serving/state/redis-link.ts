import type { RedisClientType, RedisClusterType } from '@redis/client';
import { TwoTowerError } from '../../errors.js';
import { inWords, onlyDatabase, refused } from './redis-errors.js';
import type { Script } from './redis-scripts.js';
import type { RedisAddress } from './redis-url.js';

/**
 * One connection to a server, or to the nodes of a cluster, that is never mended: where it breaks every call fails, and who holds
 * it makes another one and looks at what has changed meanwhile.
 */
export interface RedisLink {
  /** @throws an error of which `isReply` says whether the server answered it */
  send(args: readonly string[], timeoutMs?: number): Promise<unknown>;
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  close(): void;
}

type Module = typeof import('@redis/client');

/** The oldest server whose streams can be read from behind an entry. */
const OLDEST = [6, 2] as const;
const CONNECT_MS = 3_000;
const ANSWER_MS = 5_000;

/**
 * @param tag a key of those that will be asked for: in a cluster all of them lie where it does
 * @throws USAGE for an address that cannot be meant, SERVING_STATE where nothing or something else answers
 */
export async function openLink(address: RedisAddress, tag: string): Promise<RedisLink> {
  const redis = await load();
  let failure: unknown;
  for (const host of address.hosts) {
    const client = clientOf(redis, address, host);
    try {
      await within(client.connect(), CONNECT_MS, 'connecting');
      const mode = modeOf(await within(client.sendCommand(['HELLO']), CONNECT_MS, 'HELLO'));
      if (mode !== 'cluster') {
        refuseMode(address, mode);
        return linkOf(
          redis,
          (args) => client.sendCommand([...args]),
          () => client.destroy(),
        );
      }
      quietly(() => client.destroy());
      return await openCluster(redis, address, tag);
    } catch (error) {
      quietly(() => client.destroy());
      failure = error;
      // Another node may do.
      if (error instanceof TwoTowerError) break;
    }
  }
  throw inWords(address, failure);
}

function refuseMode(address: RedisAddress, mode: string): void {
  if (mode === 'sentinel') throw refused(address, 'it is a Sentinel', 'Give the address of the server it watches.');
  if (address.hosts.length === 1) return;
  throw refused(address, 'several addresses are for the nodes of a cluster, and it is none', 'Give one address.');
}

async function openCluster(redis: Module, address: RedisAddress, tag: string): Promise<RedisLink> {
  if (address.database !== 0) throw onlyDatabase(address);
  const { socket, ...defaults } = settingsOf(address);
  const cluster: RedisClusterType = redis.createCluster({
    RESP: 2,
    rootNodes: address.hosts.map(({ host, port }) => ({ socket: { ...socket, host, port }, ...defaults })),
    defaults: { socket, ...defaults },
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: false,
  }) as unknown as RedisClusterType;
  // Every call that is under way fails as well.
  cluster.on('error', () => {});
  const destroy = () => quietly(() => cluster.destroy());
  try {
    await within(cluster.connect(), CONNECT_MS, 'connecting');
    return linkOf(redis, (args) => cluster.sendCommand(tag, false, [...args]), destroy);
  } catch (error) {
    destroy();
    throw error;
  }
}

function linkOf(redis: Module, call: (args: readonly string[]) => Promise<unknown>, close: () => void): RedisLink {
  const send = (args: readonly string[], timeoutMs = ANSWER_MS) => within(call(args), timeoutMs, args[0]!);
  return {
    send,
    async run({ code, sha }, keys, args) {
      const rest = [String(keys.length), ...keys, ...args];
      try {
        return await send(['EVALSHA', sha, ...rest]);
      } catch (error) {
        if (!(error instanceof redis.ErrorReply && error.message.startsWith('NOSCRIPT'))) throw error;
        return send(['EVAL', code, ...rest]);
      }
    },
    close: () => quietly(close),
  };
}

function clientOf(
  redis: Module,
  address: RedisAddress,
  { host, port }: RedisAddress['hosts'][number],
): RedisClientType {
  const { socket, ...rest } = settingsOf(address);
  const client = redis.createClient({
    RESP: 2,
    ...rest,
    disableOfflineQueue: true,
    database: address.database,
    socket: { ...socket, host, port },
  }) as unknown as RedisClientType;
  // Every call that is under way fails as well.
  client.on('error', () => {});
  return client;
}

function settingsOf({ tls, username, password }: RedisAddress) {
  const socket = { reconnectStrategy: false as const, connectTimeout: CONNECT_MS, ...(tls && { tls: true as const }) };
  return { socket, ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

/** The name of the mode from what HELLO answers: a flat list of names and values. */
function modeOf(hello: unknown): string {
  if (!Array.isArray(hello)) throw new TypeError('HELLO is answered with something else');
  const value = (name: string) => String(hello[hello.indexOf(name) + 1]);
  const version = value('version');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new TypeError(`version ${version} answers; ${OLDEST.join('.')} or newer is needed`);
  }
  return value('mode');
}

let loaded: Promise<Module> | undefined;

function load(): Promise<Module> {
  loaded ??= import('@redis/client').catch((cause: Error) => {
    loaded = undefined;
    throw new TwoTowerError(
      'SERVING_STATE',
      `the package @redis/client cannot be loaded: ${cause.message.split('\n')[0]}`,
      'Install it: npm install @redis/client.',
    );
  });
  return loaded;
}

async function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer to ${what} within ${ms} ms`)), ms);
  });
  // Where time is up the call may still fail, and nobody waits for it any more.
  work.catch(() => {});
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function quietly(work: () => unknown): void {
  try {
    work();
  } catch {
    // It was closed already.
  }
}
