import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../src/files.js';
import { packagePath } from '../src/package-root.js';
import { withBlock } from './markdown.js';
import { blocks } from './tables.js';

export const name = 'tables';
export const description =
  'puts what is in bench/results into docs/results.md, docs/leaderboard.md, docs/scaling.md and the pages of the models';

export async function run(): Promise<void> {
  for (const block of blocks()) {
    const file = packagePath(block.file);
    const before = await readFile(file, 'utf8');
    const after = withBlock(before, block);
    if (after === before) continue;
    await writeFileAtomic(file, after);
    console.log(`${block.file}: ${block.name}`);
  }
}
