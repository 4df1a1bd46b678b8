import { expect, test } from 'vitest';
import { joinRanks } from './join.js';
import { ALONE } from './ranks.js';
import { onRanks } from './testing/lockstep.js';
import { ended, isSkipped, mpirun } from './testing/mpirun.js';

test('a process that mpirun did not start is by itself', async () => {
  expect(await joinRanks({})).toBe(ALONE);
  expect(await joinRanks({ OMPI_COMM_WORLD_SIZE: '1' })).toBe(ALONE);
});

test.skipIf(isSkipped)('three ranks of Open MPI add up, gather, swap and broadcast', { timeout: 120_000 }, async () => {
  const { code, stdout, stderr } = await ended(mpirun(3, new URL('testing/collectives.ts', import.meta.url), []));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const said = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((a, b) => a.rank - b.rank);
  const sum = (i: number) => {
    const value = Math.fround(0.1 * i);
    return Math.fround(Math.fround(value + Math.fround(2 * value)) + Math.fround(3 * value));
  };
  expect(said).toHaveLength(3);
  said.forEach(({ rank, size, sums, gathered, swapped, word, nothing }) => {
    expect({ size, gathered, word, nothing }).toEqual({ size: 3, gathered: [10, 20, 21], word: 'go', nothing: 0 });
    expect(swapped).toEqual([0, 1, 2].map((from) => new Array(rank).fill(10 * from + rank)));
    [0, 1, 99_999].forEach((i, at) => {
      expect(sums[at] / Math.max(1, sum(i))).toBeCloseTo(sum(i) / Math.max(1, sum(i)), 6);
    });
    expect(sums).toEqual(said[0].sums);
  });
});

test('the ranks of tests notice when one does something else than the others', async () => {
  const differing = onRanks(2, async (ranks) => {
    if (ranks.rank === 0) await ranks.sum(new Float32Array(1));
    else await ranks.swap([new Uint8Array(), new Uint8Array()]);
  });
  await expect(differing).rejects.toThrow('rank 1 calls swap where others call sum');
});
