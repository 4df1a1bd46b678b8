import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Files that are loaded with one, types left out. */
function loaded(file: URL, seen = new Set<string>()): Set<string> {
  if (seen.has(file.href)) return seen;
  seen.add(file.href);
  const text = readFileSync(file, 'utf8');
  for (const [, clause, from] of text.matchAll(/^(?:import|export) ([^;]*?) from '([^']+)'/gm)) {
    if (clause!.startsWith('type ')) continue;
    const names = clause!
      .replace(/[{}\s]/g, ' ')
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    if (names.every((name) => name.startsWith('type '))) continue;
    if (from!.startsWith('.')) loaded(new URL(from!.replace(/\.js$/, '.ts'), file), seen);
    else seen.add(from!);
  }
  return seen;
}

test('the client loads nothing but itself and the wire format: no package, nothing of Node', () => {
  const files = [...loaded(new URL('index.ts', import.meta.url))].map((name) => name.split('/').slice(-2).join('/'));
  expect(files.sort()).toEqual(['client/client.ts', 'client/index.ts', 'http/frame.ts']);
});
