import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Starts a TypeScript module of this repository in a process of its own, so that a test can kill it. */
export function spawnModule(module: URL, ...args: string[]): ChildProcess {
  const runner = fileURLToPath(new URL('run.mjs', import.meta.url));
  return spawn(process.execPath, [runner, fileURLToPath(module), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Waits for the child's first output, then kills it without warning `delay` milliseconds later and waits for its end. */
export async function killAfter(child: ChildProcess, delay: number): Promise<void> {
  const end = new Promise<NodeJS.Signals | null>((done) => child.once('exit', (_, signal) => done(signal)));
  await new Promise<void>((ready, fail) => {
    child.stdout?.once('data', () => ready());
    child.once('exit', (code) => fail(new Error(`the child ended by itself with code ${code}`)));
  });
  await new Promise((done) => setTimeout(done, delay));
  child.kill('SIGKILL');
  const signal = await end;
  if (signal !== 'SIGKILL') throw new Error('the child ended by itself');
}
