import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Engine, RankAnswer } from '../contract.js';
import { openEngine } from '../engine/engine.js';
import { publish } from '../publish.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from './toy-store.js';

/** Keys of the toy's items. */
export const EVERY_ITEM = Array.from({ length: 40 }, (_, key) => key);

/** Scores by position among the candidates. */
export function byPosition({ order, scores }: RankAnswer): Float32Array {
  const found = new Float32Array(order.length);
  order.forEach((at, i) => {
    found[at] = scores[i]!;
  });
  return found;
}

/** Publishes the toy before the tests of a file, and opens an engine over it, on the calling thread, before each of them. */
export function toyEngine(...phases: Parameters<typeof toyRuns>): { toy: ToyRuns; folder: string; engine: Engine } {
  const made = {} as { toy: ToyRuns; folder: string; engine: Engine };
  beforeAll(async () => {
    made.toy = await toyRuns(...phases);
    made.folder = (await publish({ store: join(made.toy.folder, 'store'), phases: made.toy.plans })).folder;
  }, TOY_TIMEOUT);
  afterAll(() => made.toy.remove());
  beforeEach(async () => {
    made.engine = await openEngine(made.folder, { workers: 0 });
  });
  afterEach(() => made.engine.close());
  return made;
}
