import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagePath } from '../src/package-root.js';
import { environment } from '../src/runs/environment.js';
import { encodeFrame, FRAME_TYPE } from '../src/serving/http/frame.js';
import { publish } from '../src/serving/publish.js';
import { listVersions, useVersion } from '../src/serving/store.js';
import { writeResults } from './results.js';
import { atRate, type Latencies, type Shot, saturated } from './serve-load.js';
import { type BenchModel, logOf, runOf, storeOf } from './serve-stores.js';

export const name = 'serve';
export const description =
  'HTTP service: latency of rank and recommend, saturation beside a bare node:http server, hot swap [PART … | FOLDER=DIR | ITEMS=N]';

const JSON_HEADERS = { 'content-type': 'application/json' };
const FRAME_HEADERS = { 'content-type': FRAME_TYPE };
const SMALL = 10_000;
const WARM_UP_SECONDS = 3;

interface Server {
  url: string;
  /** Seconds of processor time that the process has used; NaN where the system does not tell. */
  cpu(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a process that prints `{ "url": … }` when it listens. */
async function start(file: string, ...args: string[]): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}: ${said}`)));
    child.stdout!.on('data', (data) => {
      said += data;
      const found = /"url":\s*"([^"]+)"/.exec(said);
      if (found !== null) resolve(found[1]!);
    });
  });
  return {
    url,
    cpu: () => cpuSeconds(child.pid!),
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Fields 14 and 15 of Linux's /proc/PID/stat, in hundredths of a second. */
async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const compiled = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const serve = (store: string) =>
  start(compiled('../src/cli/main.js'), 'serve', store, '--port', '0', '--log-level', 'error', '--json');

/** Rankings of many users, each with other candidates. */
function rankShots(count: number, items: number, form: 'json' | 'frame', phase: string): Shot[] {
  return Array.from({ length: 64 }, (_, i) => {
    const candidates = Int32Array.from({ length: count }, (_, j) => (i * 7919 + j * 31) % items);
    const head = { user: i * 13, phase, context: { surface: `p${i % 3}` } };
    if (form === 'frame')
      return { path: '/v1/rank', headers: FRAME_HEADERS, body: encodeFrame({ head, arrays: { candidates } }) };
    return { path: '/v1/rank', headers: JSON_HEADERS, body: JSON.stringify({ ...head, candidates: [...candidates] }) };
  });
}

function recommendShots(): Shot[] {
  return Array.from({ length: 256 }, (_, i) => {
    const body = JSON.stringify({ user: i * 37, k: 20, context: { surface: `p${i % 3}` } });
    return { path: '/v1/recommend', headers: JSON_HEADERS, body };
  });
}

const line = (what: string, { p50, p99, ok, refused, failed }: Latencies) =>
  console.log(
    `${what.padEnd(44)} p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ${ok} ok ${refused} refused ${failed} failed`,
  );

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

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

async function rankStore(folder: string, data: string, model: BenchModel) {
  const retrieve = { phase: 'retrieve' as const, run: await runOf(folder, data, SMALL, 'dssm') };
  if (model === 'dssm') return { store: await storeOf(folder, model, [retrieve]), phase: 'retrieve' };
  const prerank = { phase: 'prerank' as const, run: await runOf(folder, data, SMALL, model) };
  return { store: await storeOf(folder, model, [retrieve, prerank]), phase: 'prerank' };
}

interface Rate {
  perSecond: number;
  /** Milliseconds of processor time in the server: what remains of a measurement where others use the machine too. */
  cpuMs: number;
}

async function rateOf(server: Server, shots: readonly Shot[]): Promise<Rate> {
  const seconds = 3;
  const before = await server.cpu();
  const perSecond = await saturated(server.url, shots, 8, seconds);
  return { perSecond, cpuMs: (1000 * ((await server.cpu()) - before)) / (perSecond * seconds) };
}

/** The three share their seconds round by round, so that what else the machine does falls on all of them. */
async function saturation(folder: string) {
  const data = await logOf(folder, SMALL);
  const { store, phase } = await rankStore(folder, data, 'dssm');
  const [server, peer] = [await serve(store), await start(compiled('serve-peer.js'))];
  const rounds: Record<'json' | 'frame' | 'peer', Rate>[] = [];
  try {
    const [json, frame] = [rankShots(1_000, SMALL, 'json', phase), rankShots(1_000, SMALL, 'frame', phase)];
    for (let round = 0; round < 6; round++) {
      const rates = {
        json: await rateOf(server, json),
        peer: await rateOf(peer, json),
        frame: await rateOf(server, frame),
      };
      // The first one compiles.
      if (round > 0) rounds.push(rates);
    }
  } finally {
    await Promise.all([server.stop(), peer.stop()]);
  }
  const typical = (who: 'json' | 'frame' | 'peer', what: keyof Rate) => median(rounds.map((one) => one[who][what]));
  const both = (who: 'json' | 'frame' | 'peer') => ({
    perSecond: typical(who, 'perSecond'),
    cpuMs: typical(who, 'cpuMs'),
  });
  const result = {
    json: both('json'),
    frame: both('frame'),
    peer: both('peer'),
    jsonToPeer: median(rounds.map((one) => one.json.perSecond / one.peer.perSecond)),
    frameToJson: median(rounds.map((one) => one.frame.perSecond / one.json.perSecond)),
  };
  console.log('rank 1000, 8 connections', result);
  return { ...result, rounds };
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

/** Rankings at a steady rate, first in peace, then while the version changes every two seconds. */
async function swap(folder: string) {
  const data = await logOf(folder, SMALL);
  const { store, phase } = await rankStore(folder, data, 'dssm');
  while ((await listVersions(store)).length < 2) {
    await publish({ store, phases: [{ phase: 'retrieve', run: await runOf(folder, data, SMALL, 'dssm') }] });
  }
  const versions = await listVersions(store);
  const server = await serve(store);
  try {
    const shots = rankShots(1_000, SMALL, 'json', phase);
    await atRate(server.url, shots, 200, WARM_UP_SECONDS);
    const steady = await atRate(server.url, shots, 200, 20);
    let swaps = 0;
    const timer = setInterval(() => void useVersion(store, versions[swaps++ % 2]!), 2_000);
    const swapping = await atRate(server.url, shots, 200, 20);
    clearInterval(timer);
    line('rank 1000 json dssm, 200/s, steady', steady);
    line(`the same during ${swaps} swaps`, swapping);
    return { swaps, steady, swapping, p99Ratio: swapping.p99 / steady.p99 };
  } finally {
    await server.stop();
  }
}

/** First what the server takes at most, then five times that: what it still answers, and how soon it is itself again. */
async function overload(folder: string) {
  const data = await logOf(folder, SMALL);
  const { store, phase } = await rankStore(folder, data, 'ranktower');
  const server = await serve(store);
  try {
    const shots = rankShots(1_000, SMALL, 'frame', phase);
    await saturated(server.url, shots, 8, WARM_UP_SECONDS);
    const capacity = await saturated(server.url, shots, 8, 5);
    const seconds = 8;
    const pressed = await atRate(server.url, shots, 5 * capacity, seconds);
    const began = performance.now();
    let recovered: Latencies;
    do recovered = await atRate(server.url, shots, capacity / 4, 0.5);
    while ((recovered.refused > 0 || recovered.failed > 0) && performance.now() - began < 10_000);
    const result = {
      capacity,
      goodput: pressed.ok / seconds,
      share: pressed.ok / seconds / capacity,
      refused: pressed.refused,
      failed: pressed.failed,
      recoveredWithinMs: performance.now() - began,
    };
    console.log('five times the load', result);
    return result;
  } finally {
    await server.stop();
  }
}

const PARTS = { rank: rankLatency, saturation, recommend, swap, overload } as const;

export async function run(args: readonly string[]): Promise<void> {
  const setting = (key: string) => args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1);
  const folder = setting('FOLDER') ?? (await mkdtemp(join(tmpdir(), 'twotower-serve-')));
  const items = Number(setting('ITEMS') ?? 1_000_000);
  const chosen = Object.keys(PARTS).filter((part) => args.includes(part));
  const parts = (chosen.length === 0 ? Object.keys(PARTS) : chosen) as (keyof typeof PARTS)[];
  console.log(`stores and logs in ${folder}, package ${packagePath()}`);
  const results: Record<string, unknown> = {};
  for (const part of parts) results[part] = await PARTS[part](folder, items);
  await writeResults(chosen.length === 0 ? 'serve' : `serve-${chosen.join('-')}`, {
    ...results,
    environment: environment(),
  });
}
