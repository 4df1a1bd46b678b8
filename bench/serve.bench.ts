import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packagePath } from '../src/package-root.js';
import { environment } from '../src/runs/environment.js';
import { writeResults } from './results.js';
import { atRate, type Latencies, line, median, type Shot, saturated } from './serve-load.js';
import { serve } from './serve-process.js';
import { saturation } from './serve-saturation.js';
import { rankShots, recommendShots } from './serve-shots.js';
import { type BenchModel, logOf, rankStore, runOf, SMALL, storeOf } from './serve-stores.js';
import { swap, swaps } from './serve-swaps.js';

export const name = 'serve';
export const description =
  'HTTP service: latency of rank and recommend, saturation beside a bare node:http server, hot swap, and `swaps`: a thousand of them [PART … | FOLDER=DIR | ITEMS=N | SWAPS=N]';

const WARM_UP_SECONDS = 3;

async function rankLatency(folder: string) {
  const data = await logOf(folder, SMALL);
  const results: Record<string, Latencies> = {};
  for (const model of ['dssm', 'fit', 'ranktower'] as const) {
    const { store, phase } = await rankStore(folder, data, model);
    const server = await serve(store);
    try {
      for (const [count, form] of [
        [1_000, 'json'],
        [1_000, 'frame'],
        [100, 'json'],
      ] as const) {
        const shots = rankShots(count, SMALL, form, phase);
        await atRate(server.url, shots, 200, WARM_UP_SECONDS);
        const what = `rank ${count} ${form} ${model}, 200/s`;
        results[what] = await atRate(server.url, shots, 200, 15);
        line(what, results[what]);
      }
    } finally {
      await server.stop();
    }
  }
  return results;
}

async function recommend(folder: string, items: number) {
  const data = await logOf(folder, items);
  const run = (model: BenchModel) => runOf(folder, data, items, model);
  const store = await storeOf(folder, `recommend-${items}`, [
    { phase: 'retrieve', run: await run('dssm'), keep: 500 },
    { phase: 'prerank', run: await run('fit'), keep: 100 },
    { phase: 'rank', run: await run('dcn-v2'), keep: 20 },
  ]);
  const server = await serve(store);
  try {
    const shots = recommendShots();
    await atRate(server.url, shots, 50, 2 * WARM_UP_SECONDS);
    const result = await atRate(server.url, shots, 100, 20);
    line(`recommend over ${items.toLocaleString('en')}, 100/s`, result);
    return { items, ...result };
  } finally {
    await server.stop();
  }
}

const OVERLOAD_ROUNDS = 3;

/**
 * First what the server takes at most, then five times that: what it still answers, and how soon it is itself again; several times
 * over.
 */
async function overload(folder: string) {
  const data = await logOf(folder, SMALL);
  const { store, phase } = await rankStore(folder, data, 'ranktower');
  const server = await serve(store);
  try {
    const shots = rankShots(1_000, SMALL, 'frame', phase);
    await saturated(server.url, shots, 8, WARM_UP_SECONDS);
    const rounds = [];
    for (let round = 0; round < OVERLOAD_ROUNDS; round++) rounds.push(await pressed(server.url, shots));
    const share = median(rounds.map((one) => one.share));
    console.log('five times the load', { share, rounds });
    return { share, rounds };
  } finally {
    await server.stop();
  }
}

async function pressed(url: string, shots: readonly Shot[]) {
  const seconds = 8;
  const capacity = await saturated(url, shots, 8, 5);
  const { ok, refused, failed } = await atRate(url, shots, 5 * capacity, seconds);
  const began = performance.now();
  let after: Latencies;
  do after = await atRate(url, shots, capacity / 4, 0.5);
  while ((after.refused > 0 || after.failed > 0) && performance.now() - began < 10_000);
  const goodput = ok / seconds;
  const recoveredWithinMs = performance.now() - began;
  return { capacity, goodput, share: goodput / capacity, refused, failed, recoveredWithinMs };
}

/** `swaps` takes half an hour: it is run where it is asked for. */
const USUAL = { rank: rankLatency, saturation, recommend, swap, overload } as const;
const PARTS = { ...USUAL, swaps } as const;

export async function run(args: readonly string[]): Promise<void> {
  const setting = (key: string) => args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1);
  const folder = setting('FOLDER') ?? (await mkdtemp(join(tmpdir(), 'twotower-serve-')));
  const items = Number(setting('ITEMS') ?? 1_000_000);
  const most = Number(setting('SWAPS') ?? 1_000);
  const chosen = Object.keys(PARTS).filter((part) => args.includes(part));
  const parts = (chosen.length === 0 ? Object.keys(USUAL) : chosen) as (keyof typeof PARTS)[];
  console.log(`stores and logs in ${folder}, package ${packagePath()}`);
  const results: Record<string, unknown> = {};
  for (const part of parts) results[part] = await PARTS[part](folder, part === 'swaps' ? most : items);
  await writeResults(chosen.length === 0 ? 'serve' : `serve-${chosen.join('-')}`, {
    ...results,
    environment: environment(),
  });
}
