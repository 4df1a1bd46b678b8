import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment } from '../src/runs/environment.js';
import type { RankSpeed } from './mpi-rank.js';
import { writeResults } from './results.js';

export const name = 'mpi';
export const description =
  'DSSM on a MovieLens-1M-shaped log: one process of one thread against two ranks of one thread each, in turns [rounds]';

const BATCH = 2048;
const STEPS = 60;
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

function speedOf(ranks: number, normalization: string): RankSpeed {
  const command = [process.execPath, RANK, normalization, String(BATCH), String(STEPS)];
  const [program, ...args] = ranks === 1 ? command : ['mpirun', '-n', String(ranks), ...command];
  return JSON.parse(execFileSync(program!, args, { env: ENVIRONMENT, encoding: 'utf8' }).trim());
}

export async function run([said = '3']: readonly string[]): Promise<void> {
  const rows = [];
  for (const normalization of ['none', 'batch']) {
    // On a shared machine speeds come and go: the two are measured in turns, and each pair gives a ratio of its own.
    const rounds = Array.from({ length: Number(said) }, () => ({
      one: speedOf(1, normalization),
      two: speedOf(2, normalization),
    }));
    const ratios = rounds.map(({ one, two }) => one.step / two.step).sort((a, b) => a - b);
    const middle = ratios[ratios.length >> 1]!;
    rows.push({ normalization, ratio: middle, ratios, rounds });
    for (const { one, two } of rounds) {
      console.log(
        [
          `normalization ${normalization.padEnd(5)}`,
          `1 process ${Math.round((1000 * BATCH) / one.step).toLocaleString('en-US')} samples/s`,
          `2 ranks ${Math.round((1000 * BATCH) / two.step).toLocaleString('en-US')} samples/s`,
          `× ${(one.step / two.step).toFixed(2)}`,
          `exchanging ${((100 * two.exchanging!) / two.step).toFixed(0)} % of a step in ${two.segments} parts`,
        ].join('  '),
      );
    }
    console.log(`normalization ${normalization}: × ${middle.toFixed(2)} in the middle of ${ratios.length} rounds`);
  }
  await writeResults('mpi', { batch: BATCH, steps: STEPS, rows, environment: environment() });
}
