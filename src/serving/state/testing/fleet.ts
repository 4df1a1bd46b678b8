import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../../../testing/folder.js';
import { FakeHost } from '../../http/testing/fake-host.js';
import { openLink } from '../redis-link.js';
import { RedisState, type RedisStateOptions } from '../redis-state.js';
import { parseRedisUrl } from '../redis-url.js';
import type { StoredEvent } from '../serving-state.js';

/** A server of a fleet without its HTTP and its engine. */
export interface Replica {
  state: RedisState;
  host: FakeHost;
  /** What it said, each with its level. */
  said: string[];
  close(): Promise<void>;
}

/** Starts one over what the state holds, as a server does. It is closed when the test ends. */
export async function replica(
  url: string,
  { store, limits }: Partial<RedisStateOptions> = {},
  host = new FakeHost(),
): Promise<Replica> {
  const said: string[] = [];
  const log = {
    info: (message: string) => said.push(`info ${message}`),
    warn: (message: string) => said.push(`warn ${message}`),
    error: (message: string) => said.push(`error ${message}`),
  };
  const state = await RedisState.open(url, {
    store: store ?? (await temporaryFolder()),
    log,
    ...(limits && { limits }),
  });
  let isClosed = false;
  const close = async () => {
    if (!isClosed) await state.close();
    isClosed = true;
  };
  onTestFinished(close);
  await state.replay(host, (message) => said.push(`replay ${message}`));
  state.follow(host);
  return { state, host, said, close };
}

/** Sends one command, as an operator would. */
export async function command(url: string, ...args: string[]): Promise<unknown> {
  const link = await openLink(parseRedisUrl(url), 'operator');
  try {
    return await link.send(args);
  } finally {
    link.close();
  }
}

export function clickOf(user: string, item: string, time: number): StoredEvent {
  return { user, item, time, received: Date.now(), feedback: { click: 1 } };
}

/** What a host knows, in a form that can be compared: of events each one once, by time. */
export function knowledge({ items, users, events }: FakeHost) {
  const seen = new Map(events.map((event) => [JSON.stringify(event), event]));
  return {
    items: Object.fromEntries([...items].sort()),
    users: Object.fromEntries([...users].sort()),
    events: [...seen.values()].sort((a, b) => a.time! - b.time!),
  };
}
