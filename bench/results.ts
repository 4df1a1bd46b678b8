import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../src/files.js';

const FOLDER = join(process.cwd(), 'bench', 'results');

/** Writes what a benchmark found to `bench/results/NAME.json`, and says where. */
export async function writeResults(name: string, results: object): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const file = join(FOLDER, `${name}.json`);
  await writeFileAtomic(file, `${JSON.stringify({ benchmark: name, ...results }, null, 2)}\n`);
  console.log(`\nwritten to ${file}`);
}

/** What `writeResults` wrote; undefined where that benchmark has not been run. */
export function readResults<T>(name: string): T | undefined {
  const file = join(FOLDER, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}
