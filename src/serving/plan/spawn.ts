import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { TwoTowerError } from '../../errors.js';
import type { ProbedServer } from './probe.js';

/** What a process that ended by SIGTERM says. */
const SIGTERM_CODE = 128 + 15;

/**
 * Serves a store as `twotower serve` does, on a free port of loopback. The server ends with this process, also where that is asked to
 * end by its id, which the server would not be told of.
 *
 * @param main the compiled command line
 * @throws SERVING_STORE where the server ends instead of listening
 */
export async function spawnServer(main: string, store: string): Promise<ProbedServer> {
  const args = [main, 'serve', store, '--port', '0', '--log-level', 'error', '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  const end = () => child.kill('SIGTERM');
  const leave = () => process.exit(SIGTERM_CODE);
  process.once('exit', end).once('SIGTERM', leave);
  child.once('exit', () => process.off('exit', end).off('SIGTERM', leave));
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    const hear = (data: Buffer) => {
      said += data;
      const found = /"url":\s*"([^"]+)"/.exec(said);
      if (found !== null) resolve(found[1]!);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) =>
      reject(
        new TwoTowerError('SERVING_STORE', `the server that is measured ended with ${code}: ${said.slice(0, 500)}`),
      ),
    );
  });
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
