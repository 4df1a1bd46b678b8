import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isSkipped, MPI_ENVIRONMENT } from './mpirun.js';

/**
 * Hosts of our own need a Linux, its tools and the right to make namespaces. Outside CI and where they cannot be had, such as in a
 * container without that right, there is nothing to test.
 */
export const noHosts =
  isSkipped || process.getuid?.() !== 0 || spawnSync('ip', ['netns', 'list']).status !== 0 || !canMake();

/** Addresses that stand for hosts in documentation (RFC 5737), and that nothing outside the namespaces has. */
const ADDRESSES = ['192.0.2.1', '192.0.2.2'] as const;
const RUNNER = fileURLToPath(new URL('../../testing/run.mjs', import.meta.url));

/** Two hosts: network namespaces that know nothing but each other, over a cable (veth), each with a name of its own. */
export interface Hosts {
  /** Starts a TypeScript module of this repository as two ranks, one on each host. */
  mpirun(module: URL, args: readonly string[]): ChildProcess;
  /** Bytes that have gone over the cable. */
  carried(): number;
  remove(): void;
}

/** @param folder for the script that starts a process on the other host, in place of ssh */
export async function twoHosts(folder: string): Promise<Hosts> {
  const names = [0, 1].map((i) => `twotower-${process.pid}-${i}`);
  const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });
  const remove = () => {
    // The cable goes with its ends.
    for (const name of names) spawnSync('ip', ['netns', 'del', name]);
  };
  try {
    for (const name of names) ip('netns', 'add', name);
    ip('link', 'add', 'cable', 'netns', names[0]!, 'type', 'veth', 'peer', 'name', 'cable', 'netns', names[1]!);
    for (const [i, name] of names.entries()) {
      ip('-n', name, 'addr', 'add', `${ADDRESSES[i]}/30`, 'dev', 'cable');
      for (const link of ['lo', 'cable']) ip('-n', name, 'link', 'set', link, 'up');
    }
  } catch (error) {
    remove();
    throw error;
  }
  const on = (i: number) => ['netns', 'exec', names[i]!, 'unshare', '--uts', 'sh', '-c'];
  const agent = join(folder, 'agent.sh');
  const named = (i: number) => `hostname host-${i}`;
  await writeFile(
    agent,
    // As ssh: the host, then what the shell there is to run.
    `#!/bin/sh\nshift\nexec ip ${on(1).join(' ')} "${named(1)} && $*"\n`,
  );
  await chmod(agent, 0o755);
  return {
    mpirun(module, args) {
      const mca = {
        plm: 'rsh',
        plm_rsh_agent: agent,
        btl: 'self,tcp',
        btl_tcp_if_include: 'cable',
        oob_tcp_if_include: 'cable',
        // Both hosts have the same cores: who waits lets the other one work.
        mpi_yield_when_idle: '1',
      };
      const command = [
        ...['mpirun', '-n', '2', '--host', ADDRESSES.map((address) => `${address}:1`).join(',')],
        ...Object.entries(mca).flatMap(([name, value]) => ['--mca', name, value]),
        ...['-x', 'TWOTOWER_THREADS', '-x', 'PATH'],
        ...[process.execPath, RUNNER, fileURLToPath(module), ...args],
      ];
      const { OMPI_MCA_btl: _, ...environment } = MPI_ENVIRONMENT;
      return spawn('ip', [...on(0), `${named(0)} && exec "$@"`, 'sh', ...command], {
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    },
    carried() {
      const [link] = JSON.parse(ip('-n', names[0]!, '-s', '-j', 'link', 'show', 'cable')) as [
        { stats64: { rx: { bytes: number }; tx: { bytes: number } } },
      ];
      return link.stats64.rx.bytes + link.stats64.tx.bytes;
    },
    remove,
  };
}

function canMake(): boolean {
  const name = `twotower-${process.pid}-probe`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return false;
  spawnSync('ip', ['netns', 'del', name]);
  return spawnSync('unshare', ['--uts', 'true']).status === 0;
}
