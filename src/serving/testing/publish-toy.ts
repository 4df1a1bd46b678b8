// Publishes the toy's runs, and tells when everything is written and not yet in its place, so that it can be killed there.
import { publish } from '../publish.js';

const [store, ...runs] = process.argv.slice(3) as [string, ...string[]];
const phases = ['retrieve', 'prerank', 'rank'] as const;
await publish({
  store,
  phases: runs.map((run, i) => ({ phase: phases[i]!, run })),
  onProgress: ({ stage }) => stage === 'comparing scores' && process.stdout.write(`${stage}\n`),
});
