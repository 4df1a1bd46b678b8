import { runProgram } from '../program.js';
import { verbs } from '../verbs.js';

/** Runs one command line in this process, and gives its exit code and everything it wrote. */
export async function twotower(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const code = await runProgram(args, verbs, { stdout: stream('stdout'), stderr: stream('stderr'), env: {} });
  return { code, ...written };
}
