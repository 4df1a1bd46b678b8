import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A server in a process of its own. */
export interface Server {
  url: string;
  pid: number;
  /** Seconds of processor time that the process has used; NaN where the system does not tell. */
  cpu(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a process that prints `{ "url": … }` when it listens. */
export async function start(file: string, ...args: string[]): Promise<Server> {
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
    pid: child.pid!,
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

export const compiled = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export const serve = (store: string) =>
  start(compiled('../src/cli/main.js'), 'serve', store, '--port', '0', '--log-level', 'error', '--json');
