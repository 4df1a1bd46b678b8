import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { packagePath } from '../src/package-root.js';
import { table, withBlock } from './markdown.js';
import { blocks } from './tables.js';

test.each(blocks().map((block) => [`${block.file}: ${block.name}`, block] as const))(
  '%s says what bench/results says (npm run bench -- tables)',
  (_, block) => {
    const text = readFileSync(packagePath(block.file), 'utf8');
    expect(withBlock(text, block)).toBe(text);
  },
);

test('a block replaces what stood between its two comments, and nothing else', () => {
  const block = { file: 'a.md', name: 'x', command: 'measure', content: table(['', 'b'], [['c', '1']]) };
  const text = 'before\n<!-- begin x: old -->\nold\n<!-- end x -->\nafter';
  const once = withBlock(text, block);
  expect(once).toBe('before\n<!-- begin x: measure -->\n\n|  | b |\n|---|---|\n| c | 1 |\n\n<!-- end x -->\nafter');
  expect(withBlock(once, block)).toBe(once);
  expect(() => withBlock('nothing', block)).toThrow('a.md has no place for "x"');
});
