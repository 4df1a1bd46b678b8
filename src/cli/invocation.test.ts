import { expect, test } from 'vitest';
import { invocation } from './invocation.js';

test.each([
  ['/usr/bin/twotower', {}, 'twotower'],
  ['/shop/node_modules/.bin/twotower', { npm_command: 'exec' }, 'npx twotower'],
  ['/shop/dist/cli/main.js', {}, 'node dist/cli/main.js'],
  ['/other place/dist/cli/main.js', {}, "node '/other place/dist/cli/main.js'"],
])('%s with %j is called as %s', (script, env, expected) => {
  expect(invocation(script, env, '/shop')).toBe(expected);
});
