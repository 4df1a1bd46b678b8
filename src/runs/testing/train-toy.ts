// Trains or resumes the toy configuration, telling every step, slowly enough to be killed between any two of them.
import { join } from 'node:path';
import { holdsRun } from '../folder.js';
import { readConfig } from '../read-config.js';
import { trainRun } from '../train.js';

const [folder, out] = process.argv.slice(3) as [string, string];
const pause = new Int32Array(new SharedArrayBuffer(4));
await trainRun(readConfig(join(folder, 'config.yaml')), {
  out,
  resume: holdsRun(out),
  onEvent(event) {
    if (event.type !== 'step') return;
    process.stdout.write(`${event.step}\n`);
    Atomics.wait(pause, 0, 0, 10);
  },
});
