import { Wire } from '../src/serving/plan/wire.js';
import { publish } from '../src/serving/publish.js';
import { listVersions, useVersion } from '../src/serving/store.js';
import { memoryOf } from './fleet-processes.js';
import { atRate, type Latencies, line, median, percentiles, type Shot } from './serve-load.js';
import { serve } from './serve-process.js';
import { rankShots } from './serve-shots.js';
import { logOf, rankStore, runOf, SMALL } from './serve-stores.js';

const ROUNDS = 5;
const SECONDS = 10;
/** From one swap to the next. */
const SWAP_MS = 2_000;

/** Rankings at a steady rate, in peace and while the version changes every two seconds, in turns: what else the machine does falls on both. */
export async function swap(folder: string) {
  const data = await logOf(folder, SMALL);
  const { store, phase } = await rankStore(folder, data, 'dssm');
  while ((await listVersions(store)).length < 2) {
    await publish({ store, phases: [{ phase: 'retrieve', run: await runOf(folder, data, SMALL, 'dssm') }] });
  }
  const versions = await listVersions(store);
  const server = await serve(store);
  let swaps = 0;
  const rounds: { steady: Latencies; swapping: Latencies }[] = [];
  try {
    const shots = rankShots(1_000, SMALL, 'json', phase);
    const measure = () => atRate(server.url, shots, 200, SECONDS);
    await measure();
    for (let round = 0; round < ROUNDS; round++) {
      const before = await measure();
      const timer = setInterval(() => void useVersion(store, versions[swaps++ % 2]!), SWAP_MS);
      const swapping = await measure();
      clearInterval(timer);
      // The last one is still under way.
      await new Promise((resolve) => setTimeout(resolve, SWAP_MS));
      rounds.push({ steady: before, swapping });
      line(`round ${round + 1}: rank 1000 json dssm, 200/s`, before);
      line('the same while versions change', swapping);
    }
  } finally {
    await server.stop();
  }
  const steady = median(rounds.map((round) => round.steady.p99));
  const swapping = median(rounds.map((round) => round.swapping.p99));
  const failed = rounds.reduce((sum, round) => sum + round.swapping.failed + round.swapping.refused, 0);
  const result = { swaps, failed, p99: { steady, swapping }, p99Ratio: swapping / steady };
  console.log(
    `${swaps} swaps, ${failed} requests failed: p99 ${swapping.toFixed(2)} ms while swapping, ${steady.toFixed(2)} steady, ${result.p99Ratio.toFixed(2)} times (medians of ${ROUNDS} rounds)`,
  );
  return { ...result, rounds };
}

const PER_SECOND = 20;
/** Swaps after which memory is looked at for the first time. */
const SETTLED = 20;
/** JSON gives scores to a millionth; kernels of another batch size differ in the last bit. */
const TOLERANCE = 5e-6;

interface Answer {
  version: string;
  items: (string | number)[];
  scores: number[];
}

/**
 * Two versions of two phases each, trained from two seeds, take turns under a steady load. Every answer has to hold the very items and
 * scores that the version it names gave in peace.
 */
export async function swaps(folder: string, most: number) {
  const store = await storeOfTwo(folder);
  const versions = await listVersions(store);
  const shots = mixedShots();
  const server = await serve(store);
  const wire = new Wire(new URL(server.url), 64);
  try {
    const expected = new Map<string, Answer[]>();
    for (const version of versions) {
      await changeTo(store, version, wire);
      const answers: Answer[] = [];
      for (const shot of shots) answers.push((await ask(wire, shot)).answer!);
      expected.set(version, answers);
    }
    const [one, two] = versions.map((version) => expected.get(version)!);
    const alike = one!.filter((answer, i) => isSame(answer, two![i]!)).length;
    if (alike > 0) throw new Error(`${alike} of ${shots.length} requests are answered alike by both versions`);

    const counts = { ok: 0, failed: 0, mixed: 0 };
    const times: number[] = [];
    const perVersion: Record<string, number> = {};
    let current = versions[1]!;
    let running = true;
    const pending = new Set<Promise<void>>();
    const send = async (i: number) => {
      const began = performance.now();
      const { answer } = await ask(wire, shots[i]!);
      times.push(performance.now() - began);
      const wanted = answer && expected.get(answer.version)?.[i];
      if (answer === undefined) counts.failed++;
      else if (wanted === undefined || !isSame(answer, wanted)) counts.mixed++;
      else {
        counts.ok++;
        perVersion[answer.version] = (perVersion[answer.version] ?? 0) + 1;
        current = answer.version;
      }
    };
    const load = (async () => {
      for (let i = 0; running; i = (i + 1) % shots.length) {
        const sent = send(i).finally(() => pending.delete(sent));
        pending.add(sent);
        await pause(1000 / PER_SECOND);
      }
    })();
    const memory: number[] = [];
    for (let swap = 0; swap < most; swap++) {
      const next = versions[swap % 2]!;
      await useVersion(store, next);
      while (current !== next) await pause(1000 / PER_SECOND);
      // The version before ends what it has begun, and is freed.
      await pause(200);
      memory.push(await memoryOf(server));
      if (swap % 50 === 49) console.log(progress(swap + 1, memory, counts));
    }
    running = false;
    await load;
    await Promise.all(pending);
    const before = median(memory.slice(SETTLED - 5, SETTLED + 5));
    const after = median(memory.slice(-10));
    const result = { swaps: most, perSecond: PER_SECOND, ...counts, perVersion, memory: { before, after } };
    console.log(progress(most, memory, counts));
    console.log(`memory ${megabytes(before)} after ${SETTLED} swaps, ${megabytes(after)} at the end`);
    return { ...result, memoryRatio: after / before, latency: percentiles(times), memorySamples: memory };
  } finally {
    wire.close();
    await server.stop();
  }
}

async function storeOfTwo(folder: string): Promise<string> {
  const data = await logOf(folder, SMALL);
  const store = `${folder}/store-swaps`;
  for (let seed = (await listVersions(store)).length + 1; seed <= 2; seed++) {
    const run = (model: 'dssm' | 'fit') => runOf(folder, data, SMALL, model, seed);
    await publish({
      store,
      phases: [
        { phase: 'retrieve', run: await run('dssm'), keep: 200 },
        { phase: 'prerank', run: await run('fit'), keep: 50 },
      ],
    });
  }
  return store;
}

/** Half of them rankings, half recommendations; the time is told, so that the same is answered whenever it is asked. */
function mixedShots(): Shot[] {
  const time = 1_800_000_000;
  const headers = { 'content-type': 'application/json' };
  const ranks = rankShots(200, SMALL, 'json', 'prerank').map(({ path, body }) => ({
    path,
    headers,
    body: JSON.stringify({ ...JSON.parse(body as string), time }),
  }));
  return ranks.flatMap((rank, i) => {
    const recommend = { user: i * 37, k: 20, context: { surface: `p${i % 3}` }, time };
    return [rank, { path: '/v1/recommend', headers, body: JSON.stringify(recommend) }];
  });
}

async function ask(wire: Wire, shot: Shot): Promise<{ answer: Answer | undefined }> {
  const { status, body } = await wire.send(shot, true);
  if (status !== 200) return { answer: undefined };
  const { version, items, scores } = JSON.parse(body!.toString());
  if (scores !== undefined) return { answer: { version, items, scores } };
  const recommended = items as { item: string; score: number }[];
  return {
    answer: { version, items: recommended.map(({ item }) => item), scores: recommended.map(({ score }) => score) },
  };
}

/** Whether both give every item the same score; items of equal scores may stand in another order. */
function isSame(found: Answer, wanted: Answer): boolean {
  if (found.items.length !== wanted.items.length) return false;
  const scores = new Map(wanted.items.map((item, i) => [item, wanted.scores[i]!]));
  return found.items.every((item, i) => Math.abs(found.scores[i]! - (scores.get(item) ?? Number.NaN)) <= TOLERANCE);
}

async function changeTo(store: string, version: string, wire: Wire): Promise<void> {
  await useVersion(store, version);
  const shot = mixedShots()[0]!;
  while ((await ask(wire, shot)).answer?.version !== version) await pause(100);
}

function progress(
  swaps: number,
  memory: readonly number[],
  { ok, failed, mixed }: Record<'ok' | 'failed' | 'mixed', number>,
) {
  return `${swaps} swaps: ${ok} right answers, ${failed} failed, ${mixed} of mixed versions, ${megabytes(memory.at(-1)!)}`;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
