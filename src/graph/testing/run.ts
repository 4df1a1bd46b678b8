import type { Random } from '../../random.js';
import type { Feeds } from '../../schema.js';
import { compile } from '../compile.js';
import { type Output, Program } from '../program.js';
import type { Tensor } from '../tensor.js';

/** Compiles, loads and runs a graph once, on two threads. */
export async function run(
  outputs: Record<string, Tensor>,
  feeds: Feeds = {},
  random?: Random,
): Promise<Record<string, Output>> {
  const program = await Program.load(compile('test', outputs), { threads: 2 });
  try {
    return await program.call(feeds, random);
  } finally {
    await program.release();
  }
}

export const floats = (data: readonly number[], shape = [data.length]) => ({ data: Float32Array.from(data), shape });
export const ints = (data: readonly number[], shape = [data.length]) => ({ data: Int32Array.from(data), shape });
