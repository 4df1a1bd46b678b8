import { readdir } from 'node:fs/promises';
import { didYouMean } from '../src/errors.js';

/** What a file `bench/NAME.bench.ts` exports; it is run by `npm run bench -- NAME`. */
export interface Bench {
  name: string;
  description: string;
  run(args: readonly string[]): Promise<void> | void;
}

const [name, ...args] = process.argv.slice(2);
const files = (await readdir(new URL('.', import.meta.url))).filter((file) => file.endsWith('.bench.js')).sort();
const benches: Bench[] = await Promise.all(files.map((file) => import(new URL(file, import.meta.url).href)));
const bench = benches.find((candidate) => candidate.name === name);

if (bench !== undefined) {
  await bench.run(args);
} else if (name === undefined) {
  console.log('usage: npm run bench -- NAME [argument …]\n');
  for (const { name, description } of benches) console.log(`  ${name.padEnd(16)} ${description}`);
} else {
  const names = benches.map((candidate) => candidate.name);
  console.error(`unknown benchmark "${name}": ${didYouMean(name, names)}`);
  process.exitCode = 2;
}
