import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { noHosts, twoHosts } from '../distributed/testing/hosts.js';
import { ended, mpirun } from '../distributed/testing/mpirun.js';
import { writeToy } from '../runs/testing/toy.js';
import { temporaryFolder } from '../testing/folder.js';
import { listCheckpoints, loadCheckpoint } from '../training/checkpoints.js';

const MAIN = new URL('testing/rank-main.ts', import.meta.url);

const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

function through(child: ChildProcess) {
  onTestFinished(() => void child.kill());
  return ended(child);
}

test.skipIf(noHosts)(
  'two ranks on hosts of their own, with a network between them, learn the bytes of two on one host',
  { timeout: 480_000 },
  async () => {
    const folder = await temporaryFolder();
    const config = await writeToy(folder, 600);
    const hosts = await twoHosts(folder);
    onTestFinished(() => hosts.remove());
    const once = ['--set', 'training.epochs=1', '--json'];
    const args = (out: string) => [folder, 'train', config, '--out', join(folder, out), ...once];
    const before = hosts.carried();
    const apart = await through(hosts.mpirun(MAIN, args('apart')));
    expect(apart).toMatchObject({ code: 0 });
    const carried = hosts.carried() - before;
    const together = await through(mpirun(2, MAIN, args('together')));
    expect(together).toMatchObject({ code: 0 });
    const learned = async (out: string) => {
      const checkpoints = join(folder, out, 'checkpoints');
      const { step, tensors } = await loadCheckpoint(checkpoints, (await listCheckpoints(checkpoints)).at(-1)!);
      return { step, bytes: [...tensors].map(([name, { data }]) => [name, bytesOf(data)]) };
    };
    const [there, here] = [await learned('apart'), await learned('together')];
    expect(there).toEqual(here);
    // Gradients, rows and the word of the first rank went over the cable in every step.
    expect(carried).toBeGreaterThan(1000 * there.step);
  },
);
