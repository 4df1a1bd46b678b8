import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { environment } from '../src/runs/environment.js';
import { createKey } from '../src/serving/http/keys.js';
import { FLEET_FILE } from '../src/serving/state/fleet-file.js';
import { freePort } from '../src/testing/free-port.js';
import { Balancer, recommendWhile } from './fleet-load.js';
import { memoryOf, type Process, type Replica, startRedis, startReplica } from './fleet-processes.js';
import { writeResults } from './results.js';
import { percentiles } from './serve-load.js';
import { logOf, runOf, storeOf } from './serve-stores.js';

export const name = 'fleet';
export const description =
  'two servers over one Redis: one is killed, Redis restarts; lost writes, failed requests, time until a change is everywhere, rates [FOLDER=DIR | RATE=N]';

const ITEMS = 10_000;
const PER_SECOND = 200;
const WRITES_PER_SECOND = 10;
const VALUES = { category: 'g3', author: 'a1' };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Fleet {
  redis: Process;
  replicas: Replica[];
  balancer: Balancer;
  startRedis(): Promise<Process>;
  startReplica(): Promise<Replica>;
}

/** Writes again and again until they are acknowledged, through whichever server there is. */
class Writer {
  readonly acknowledged: string[] = [];
  /** Answers that were not 200, by status; 0 where the connection broke. */
  readonly repeated: Record<number, number> = {};
  /** When an item was acknowledged, and the milliseconds from then until it could be retrieved through the other server. */
  readonly spread: { at: number; ms: number }[] = [];
  isStopped = false;

  constructor(private readonly balancer: Balancer) {}

  async run(): Promise<void> {
    const under: Promise<void>[] = [];
    for (let i = 0; !this.isStopped; i++) {
      under.push(this.write(`w${i}`));
      await pause(1000 / WRITES_PER_SECOND);
    }
    await Promise.all(under);
  }

  private async write(key: string): Promise<void> {
    for (;;) {
      const { status, at } = await this.balancer.send('PUT', '/v1/items', { items: [{ key, values: VALUES }] });
      if (status === 200) {
        this.acknowledged.push(key);
        await this.look(key, 1 - at);
        return;
      }
      this.repeated[status] = (this.repeated[status] ?? 0) + 1;
      await pause(250);
    }
  }

  private async look(key: string, at: number): Promise<void> {
    const since = performance.now();
    while (performance.now() - since < 10_000) {
      const { status, text } = await ask(this.balancer, key, at);
      // The other one is not there.
      if (status === 0) return;
      if (text.includes(`"item":"${key}"`)) {
        this.spread.push({ at: since, ms: performance.now() - since });
        return;
      }
      await pause(5);
    }
    this.spread.push({ at: since, ms: Number.POSITIVE_INFINITY });
  }
}

const ask = (balancer: Balancer, key: string, at: number) =>
  balancer.send('POST', '/v1/recommend', { filter: { include: [key] }, k: 1 }, at);

/** Eight seconds of peace, a server that is killed and comes back after five, Redis that ends and comes back after four. */
async function faults(fleet: Fleet, perSecond: number) {
  const { replicas, balancer } = fleet;
  const writer = new Writer(balancer);
  const told: Record<string, number> = {};
  const started = performance.now();
  const tell = (what: string) => {
    told[what] = (performance.now() - started) / 1000;
    console.log(`${told[what].toFixed(1).padStart(6)} s  ${what}`);
  };
  let underWay = 0;
  const reads = await recommendWhile(balancer, perSecond, async () => {
    const writing = writer.run();
    await pause(8_000);
    underWay = balancer.underWay[1]!;
    balancer.take(1);
    tell(`kill −9 of a server with ${underWay} requests under way`);
    await replicas[1]!.stop('SIGKILL');
    await pause(5_000);
    replicas[1] = await fleet.startReplica();
    balancer.give(1, replicas[1].url);
    tell('it is back');
    await pause(5_000);
    tell('Redis ends');
    await fleet.redis.stop();
    await pause(4_000);
    fleet.redis = await fleet.startRedis();
    tell('Redis is back');
    await pause(6_000);
    writer.isStopped = true;
    await writing;
  });
  const lost = (await missing(balancer, writer.acknowledged, 0)) + (await missing(balancer, writer.acknowledged, 1));
  const back = started + 1000 * told['Redis is back']!;
  const isAfterwards = ({ at }: { at: number }) => at >= back && at < back + 2_000;
  const spread = (of: typeof writer.spread) => ({ ...percentiles(of.map(({ ms }) => ms)), count: of.length });
  const result = {
    seconds: (performance.now() - started) / 1000,
    perSecond,
    reads,
    underWayOnTheKilledServer: underWay,
    writes: { acknowledged: writer.acknowledged.length, lost, repeated: writer.repeated },
    msUntilTheOtherServes: {
      ...spread(writer.spread.filter((one) => !isAfterwards(one))),
      inTheTwoSecondsAfterRedisCameBack: spread(writer.spread.filter(isAfterwards)),
    },
  };
  console.log(result);
  return result;
}

/** How many of the items a server does not find. */
async function missing(balancer: Balancer, keys: readonly string[], at: number): Promise<number> {
  let found = 0;
  for (let from = 0; from < keys.length; from += 500) {
    const include = keys.slice(from, from + 500);
    const { text } = await balancer.send('POST', '/v1/recommend', { filter: { include }, k: include.length }, at);
    found += (JSON.parse(text) as { items: unknown[] }).items.length;
  }
  return keys.length - found;
}

/** How fast a server applies what the other one is told, and what it costs in memory. */
async function rates({ redis, replicas, balancer }: Fleet) {
  const caughtUp = async (isThere: () => Promise<boolean>) => {
    while (!(await isThere())) await pause(5);
  };
  const timed = async (work: () => Promise<unknown>) => {
    const since = performance.now();
    await work();
    return (performance.now() - since) / 1000;
  };
  const knows = (user: string) => async () => {
    const response = await balancer.send('POST', '/v1/recommend', { user, k: 1 }, 1);
    return response.text.includes('"userKnown":true');
  };
  const events = 200_000;
  const before = { replica: await memoryOf(replicas[1]!), redis: await memoryOf(redis) };
  const eventSeconds = await timed(async () => {
    for (let from = 0; from < events; from += 5_000) {
      const rows = Array.from({ length: 5_000 }, (_, i) => {
        const n = from + i;
        return { user: `u${n % 20_000}`, item: (n * 7) % ITEMS, time: 1.7e9 + n, feedback: { click: 1 } };
      });
      const { status, text } = await balancer.send('POST', '/v1/events', { events: rows }, 0);
      if (status !== 200) throw new Error(`events: ${status} ${text}`);
    }
    await balancer.send('PUT', '/v1/users', { users: [{ key: 'last', values: {} }] }, 0);
    await caughtUp(knows('last'));
  });
  const after = { replica: await memoryOf(replicas[1]!), redis: await memoryOf(redis) };
  const items = 5_000;
  const itemSeconds = await timed(async () => {
    for (let from = 0; from < items; from += 1_000) {
      const rows = Array.from({ length: 1_000 }, (_, i) => ({ key: `r${from + i}`, values: VALUES }));
      const { status, text } = await balancer.send('PUT', '/v1/items', { items: rows }, 0);
      if (status !== 200) throw new Error(`items: ${status} ${text}`);
    }
    await caughtUp(async () => (await ask(balancer, `r${items - 1}`, 1)).text.includes('"item"'));
  });
  const result = {
    eventsPerSecond: events / eventSeconds,
    itemsPerSecond: items / itemSeconds,
    bytesPerEvent: {
      replica: (after.replica - before.replica) / events,
      redis: (after.redis - before.redis) / events,
    },
  };
  console.log(result);
  return result;
}

export async function run(args: readonly string[]): Promise<void> {
  const setting = (key: string) => args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1);
  const folder = setting('FOLDER') ?? (await mkdtemp(join(tmpdir(), 'twotower-fleet-')));
  const data = await logOf(folder, ITEMS);
  const phases = [{ phase: 'retrieve' as const, run: await runOf(folder, data, ITEMS, 'dssm'), keep: 100 }];
  const store = await storeOf(folder, 'fleet', phases);
  // Each run begins with an empty state.
  await rm(join(store, FLEET_FILE), { force: true });
  const { key, entry } = createKey('bench', 'write');
  const keys = join(folder, 'keys.yaml');
  await writeFile(keys, stringify({ keys: [entry] }));
  const port = await freePort();
  const redisFolder = await mkdtemp(join(tmpdir(), 'twotower-redis-'));
  const state = `redis://127.0.0.1:${port}/0?name=bench-${Date.now()}`;
  const fleet: Fleet = {
    redis: await startRedis(port, redisFolder),
    replicas: [],
    balancer: new Balancer([], key),
    startRedis: () => startRedis(port, redisFolder),
    startReplica: () => startReplica(store, state, keys),
  };
  try {
    for (let i = 0; i < 2; i++) fleet.replicas.push(await fleet.startReplica());
    fleet.balancer = new Balancer(
      fleet.replicas.map(({ url }) => url),
      key,
    );
    const measured = { faults: await faults(fleet, Number(setting('RATE') ?? PER_SECOND)), rates: await rates(fleet) };
    await writeResults('fleet', { ...measured, environment: environment() });
  } finally {
    fleet.balancer.close();
    await Promise.all([...fleet.replicas, fleet.redis].map((one) => one.stop('SIGKILL')));
  }
}
