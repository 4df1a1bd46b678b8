import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../src/files.js';

/** Writes what a benchmark found to `bench/results/NAME.json`, and says where. */
export async function writeResults(name: string, results: object): Promise<void> {
  const folder = join(process.cwd(), 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  await writeFileAtomic(file, `${JSON.stringify({ benchmark: name, ...results }, null, 2)}\n`);
  console.log(`\nwritten to ${file}`);
}
