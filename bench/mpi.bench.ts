import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { environment } from '../src/runs/environment.js';
import type { RankSpeed } from './mpi-rank.js';
import { writeResults } from './results.js';
import { median } from './serve-load.js';

export const name = 'mpi';
export const description =
  'DSSM on a MovieLens-1M-shaped log: one process of one thread against two ranks of one thread each, in turns [rounds]';

const BATCH = 2048;
const STEPS = 200;
const RANK = fileURLToPath(new URL('mpi-rank.js', import.meta.url));

/** As root, where it is root; no rank is bound to a core, so that the threads that prepare batches find one. */
const ENVIRONMENT = {
  ...process.env,
  TWOTOWER_THREADS: '1',
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  OMPI_MCA_hwloc_base_binding_policy: 'none',
};

async function speedOf(ranks: number, normalization: string, batch: number): Promise<RankSpeed> {
  const command = [process.execPath, RANK, normalization, String(batch), String(STEPS)];
  const [program, ...args] = ranks === 1 ? command : ['mpirun', '-n', String(ranks), ...command];
  const { stdout } = await promisify(execFile)(program!, args, { env: ENVIRONMENT });
  return JSON.parse(stdout.trim());
}

/** On a shared machine speeds come and go: all are measured in turns, and each round gives ratios of its own. */
async function round(normalization: string) {
  const one = await speedOf(1, normalization, BATCH);
  const sameBatch = await speedOf(2, normalization, BATCH);
  const batchEach = await speedOf(2, normalization, 2 * BATCH);
  // Two processes that know nothing of each other: what the machine has for two.
  const apart = await Promise.all([speedOf(1, normalization, BATCH), speedOf(1, normalization, BATCH)]);
  const ratios = {
    sameBatch: one.step / sameBatch.step,
    batchEach: (2 * one.step) / batchEach.step,
    apart: apart.reduce((sum, { step }) => sum + one.step / step, 0),
  };
  return { one, sameBatch, batchEach, apart, ratios };
}

type Round = Awaited<ReturnType<typeof round>>;

function show(normalization: string, { one, sameBatch, batchEach, ratios }: Round): void {
  const perSecond = (batch: number, { step }: RankSpeed) => Math.round((1000 * batch) / step).toLocaleString('en-US');
  const exchanging = ({ exchanging, step, segments }: RankSpeed) =>
    `${((100 * exchanging!) / step).toFixed(0)} % exchanging in ${segments} parts`;
  console.log(
    [
      `normalization ${normalization.padEnd(5)}`,
      `1 process ${perSecond(BATCH, one)} samples/s`,
      `2 ranks, ${BATCH} in all ${perSecond(BATCH, sameBatch)} × ${ratios.sameBatch.toFixed(2)}, ${exchanging(sameBatch)}`,
      `${BATCH} each ${perSecond(2 * BATCH, batchEach)} × ${ratios.batchEach.toFixed(2)}, ${exchanging(batchEach)}`,
      `2 processes apart × ${ratios.apart.toFixed(2)}`,
    ].join('  '),
  );
}

export async function run([said = '3']: readonly string[]): Promise<void> {
  const rows = [];
  for (const normalization of ['none', 'batch']) {
    const rounds: Round[] = [];
    for (let i = 0; i < Number(said); i++) {
      rounds.push(await round(normalization));
      show(normalization, rounds.at(-1)!);
    }
    const middle = (of: keyof Round['ratios']) => median(rounds.map(({ ratios }) => ratios[of]));
    const ratios = { sameBatch: middle('sameBatch'), batchEach: middle('batchEach'), apart: middle('apart') };
    rows.push({ normalization, ratios, rounds });
    console.log(`normalization ${normalization}, middle of ${rounds.length} rounds:`, ratios);
  }
  await writeResults('mpi', { batch: BATCH, steps: STEPS, rows, environment: environment() });
}
