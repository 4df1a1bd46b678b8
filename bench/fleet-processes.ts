import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A process that can be ended without warning and begun again. */
export interface Process {
  readonly pid: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** A server of the fleet. */
export interface Replica extends Process {
  url: string;
}

/** A redis-server that writes every change to the disk before it answers. */
export async function startRedis(port: number, folder: string): Promise<Process> {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...durable];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await said(child, /Ready to accept connections/);
  return processOf(child);
}

export async function startReplica(store: string, state: string, keys: string): Promise<Replica> {
  const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
  const args = ['serve', store, '--state', state, '--keys', keys, '--workers', '1', '--port', '0'];
  const child = spawn(process.execPath, [main, ...args, '--log-level', 'fatal', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [, url] = await said(child, /"url":\s*"([^"]+)"/);
  return { ...processOf(child), url: url! };
}

/** Bytes of memory that a process has; NaN where the system does not tell. */
export async function memoryOf({ pid }: { pid: number }): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN);
}

function processOf(child: ChildProcess): Process {
  return {
    pid: child.pid!,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
  };
}

/** Waits until the child has said something of this form. */
function said(child: ChildProcess, form: RegExp): Promise<RegExpExecArray> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}: ${text}`)));
    child.stdout!.on('data', (data) => {
      text += data;
      const found = form.exec(text);
      if (found !== null) resolve(found);
    });
  });
}
