// Writes checkpoints as fast as it can, continuing after the newest one, until it is killed.
import { listCheckpoints, markBest, saveCheckpoint } from '../checkpoints.js';

const folder = process.argv[3]!;
for (let step = ((await listCheckpoints(folder)).at(-1) ?? 0) + 1; ; step++) {
  const data = new Float32Array(200_000).fill(step);
  await saveCheckpoint(folder, { step, tensors: new Map([['table', { data, shape: [500, 400] }]]), state: { step } });
  if (step % 5 === 0) await markBest(folder, step);
  console.log(step);
}
