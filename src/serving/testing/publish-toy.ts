// Publishes the toy's runs, telling when the first file is written, so that it can be killed at any moment after.
import { publish } from '../publish.js';

const [store, ...runs] = process.argv.slice(3) as [string, ...string[]];
const phases = ['retrieve', 'prerank', 'rank'] as const;
await publish({
  store,
  phases: runs.map((run, i) => ({ phase: phases[i]!, run })),
  onProgress: ({ stage }) => process.stdout.write(`${stage}\n`),
});
