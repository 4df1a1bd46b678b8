import { basename } from 'node:path';
import { shellWord, shortPath } from './format.js';

/** How the user calls this program, for commands that are printed to be copied. */
export function invocation(script: string, env: Record<string, string | undefined>, cwd: string): string {
  if (basename(script).startsWith('twotower')) return env.npm_command === 'exec' ? 'npx twotower' : 'twotower';
  return `node ${shellWord(shortPath(script, cwd))}`;
}

/** The start of a command line as the user would write it here. */
export function program(): string {
  return invocation(process.argv[1] ?? 'twotower', process.env, process.cwd());
}
