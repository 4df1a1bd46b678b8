import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { HostState } from '../../../training/inference.js';
import { SCHEMA } from './schema.js';
import { decimal, identifierOf, type StateTensor } from './tensors.js';

/** Documents of some items: their keys, and states by their names in the schema. */
export interface Documents {
  keys: readonly string[];
  /** One for each tensor, [keys, …]. */
  states: HostState;
}

/** Writes one put operation a line, as `vespa feed` reads them. @returns how many */
export async function writeFeed(
  file: string,
  dataset: string,
  tensors: readonly StateTensor[],
  blocks: AsyncIterable<Documents>,
): Promise<number> {
  let written = 0;
  const namespace = identifierOf(dataset);
  async function* lines() {
    for await (const { keys, states } of blocks) {
      let text = '';
      for (const [row, key] of keys.entries()) {
        const fields: Record<string, unknown> = { [SCHEMA.key]: key };
        for (const { name, shape } of tensors) fields[name] = values(states, name, row, shape);
        text += `${JSON.stringify({ put: `id:${namespace}:${SCHEMA.document}::${key}`, fields })}\n`;
        written++;
      }
      yield text;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
  return written;
}

/** The cells of one row in the order of Vespa's indexed tensors: the last dimension first. */
export function values(states: HostState, name: string, row: number, shape: readonly number[]): number[] {
  const width = shape.reduce((a, b) => a * b, 1);
  return Array.from(states[name]!.data.subarray(row * width, (row + 1) * width), decimal);
}
