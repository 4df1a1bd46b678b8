import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Where tests are to be complete MPI has to be there. */
export const isSkipped = spawnSync('mpirun', ['--version']).status !== 0 && process.env.CI === undefined;

const RUNNER = fileURLToPath(new URL('../../testing/run.mjs', import.meta.url));

/** As tests need mpirun: as root, more ranks than cores, none bound to a core, over loopback, without asking who else is there. */
export const MPI_ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  OMPI_MCA_hwloc_base_binding_policy: 'none',
  OMPI_MCA_btl: 'self,vader,tcp',
  TWOTOWER_THREADS: '1',
};

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Starts a TypeScript module of this repository as `size` ranks. */
export function mpirun(
  size: number,
  module: URL,
  args: readonly string[],
  flags: readonly string[] = [],
): ChildProcess {
  const command = [...flags, '-n', String(size), process.execPath, RUNNER, fileURLToPath(module), ...args];
  const env: NodeJS.ProcessEnv = { ...process.env, ...MPI_ENVIRONMENT };
  return spawn('mpirun', command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What a process has said when it has ended. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]!.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, ...said };
}
