import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../testing/free-port.js';

/** Where tests are to be complete the server has to be there. */
export const noRedis = !isOnPath('redis-server') && process.env.CI === undefined;

export type StateServer = 'redis-server' | 'valkey-server';

/** What a shared state is tested with: Redis, and Valkey where it is there. */
export const STATE_SERVERS: StateServer[] = [
  'redis-server',
  ...(isOnPath('valkey-server') ? (['valkey-server'] as const) : []),
];

/** A server of our own on loopback, with a folder of its own, that can be ended and started again. */
export class RedisServer {
  private child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly settings: readonly string[],
    private readonly program: StateServer,
  ) {}

  /** @param settings of the command line, such as `--requirepass` and a password */
  static async start(...settings: string[]): Promise<RedisServer> {
    return RedisServer.startAs('redis-server', ...settings);
  }

  static async startAs(program: StateServer, ...settings: string[]): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'twotower-redis-'));
    const server = new RedisServer(await freePort(), folder, settings, program);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it (again), with what its last save left. */
  async start(): Promise<void> {
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''];
    const child = spawn(this.program, [...own, ...this.settings], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child = child;
    let said = '';
    await new Promise<void>((ready, fail) => {
      child.once('error', fail);
      child.once('exit', (code) => fail(new Error(`${this.program} ended with code ${code}: ${said}`)));
      child.stdout!.on('data', (data) => {
        said += data;
        if (/Ready to accept connections/.test(said)) ready();
      });
    });
  }

  /** Ends it; with SIGKILL at once and without saving. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** So many nodes that share the slots of one cluster. */
export async function startCluster(count: number, program: StateServer = 'redis-server'): Promise<RedisServer[]> {
  const nodes = await Promise.all(
    Array.from({ length: count }, async () => {
      const port = String(await freePort());
      return RedisServer.startAs(program, '--cluster-enabled', 'yes', '--cluster-port', port, '--appendonly', 'yes');
    }),
  );
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const cli = program.replace('-server', '-cli');
  const child = spawn(cli, ['--cluster', 'create', ...addresses, '--cluster-yes'], { stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${cli} ended with code ${code}`);
  // The nodes agree on who has which slots before each of them finds that the cluster is up.
  for (const { port } of nodes) {
    await eventually(async () => (await ask(cli, port, 'cluster', 'info')).includes('cluster_state:ok'), 20_000);
  }
  return nodes;
}

/** What a server answers to one command. */
async function ask(cli: string, port: number, ...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(cli, ['-p', String(port), ...command]);
  return stdout;
}

/** Reads until it is so; @throws where it is not after so many milliseconds */
export async function eventually(isSo: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`it is not so after ${ms} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
