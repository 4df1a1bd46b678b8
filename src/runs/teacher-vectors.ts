import { requestFeeds } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { indexRequests } from '../data/requests.js';
import type { TeacherVectors, VectorTable } from '../data/teacher-vectors.js';
import { didYouMean, TwoTowerError } from '../errors.js';
import { allItemStates } from '../evaluation/evaluate.js';
import type { Tensor } from '../graph/index.js';
import type { Run } from './open.js';
import { keptScores, type ScoreCache, scoreKey } from './score-cache.js';

/** Requests whose states are computed at once. */
const BLOCK = 4096;

/**
 * States of a teacher as vectors: of every item, and of the requests that `speakers` (event rows) belong to. Kept as its
 * scores are.
 *
 * @throws CONFIG_INVALID where the teacher's model has no such state
 */
export async function teacherVectors(
  run: Run,
  dataset: Dataset,
  digest: string,
  speakers: Uint32Array,
  names: { item?: string | undefined; user?: string | undefined },
  cache: ScoreCache,
): Promise<TeacherVectors> {
  const vectors: TeacherVectors = {};
  if (names.item !== undefined) {
    const state = `item.${names.item}`;
    const width = widthOf(run.inference.parts.item, state);
    const key = scoreKey([dataset.hash, digest, state]);
    const { count } = dataset.items;
    const values = await keptScores(cache, key, count * width, async () => {
      return (await allItemStates(run.inference, dataset))[state]!.data as Float32Array;
    });
    vectors.item = { width, values, rowOf: Int32Array.from({ length: count }, (_, row) => row) };
  }
  if (names.user !== undefined) vectors.user = await requestVectors(run, dataset, digest, speakers, names.user, cache);
  return vectors;
}

async function requestVectors(
  run: Run,
  dataset: Dataset,
  digest: string,
  speakers: Uint32Array,
  name: string,
  cache: ScoreCache,
): Promise<VectorTable> {
  const state = `user.${name}`;
  const width = widthOf(run.inference.parts.user, state);
  const { events } = dataset;
  const { key, first } = indexRequests(dataset);
  // Events of one request may speak for it in turn, and have one vector.
  const rows = new Map<number, number>();
  const rowOf = new Int32Array(events.count).fill(-1);
  const representatives: number[] = [];
  for (const event of speakers) {
    const request = key(event);
    let row = rows.get(request);
    if (row === undefined) {
      row = representatives.push(event) - 1;
      rows.set(request, row);
    }
    rowOf[event] = row;
  }
  const requests = Int32Array.from(representatives);
  const values = await keptScores(
    cache,
    scoreKey([dataset.hash, digest, state, requests]),
    requests.length * width,
    async () => {
      const all = new Float32Array(requests.length * width);
      for (let from = 0; from < requests.length; from += BLOCK) {
        const contexts = requests.subarray(from, from + BLOCK);
        const users = Int32Array.from(contexts, (row) => events.user[row]!);
        const times = Float64Array.from(contexts, (row) => events.time[first(row)]!);
        const states = await run.inference.users(requestFeeds(dataset, { users, times, contexts }));
        all.set(states[state]!.data as Float32Array, from * width);
      }
      return all;
    },
  );
  return { width, values, rowOf };
}

/** Numbers of a state for one item or request. */
function widthOf(states: Record<string, Tensor>, name: string): number {
  const state = states[name];
  const sizes = state?.shape.slice(1) ?? [];
  if (state?.dtype === 'float32' && sizes.every((size) => typeof size === 'number')) {
    return sizes.reduce((a, b) => a * b, 1);
  }
  const known = Object.keys(states).map((key) => key.slice(key.indexOf('.') + 1));
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `training.teacher.vectors: the teacher has no state "${name.slice(name.indexOf('.') + 1)}" of numbers`,
    didYouMean(name.slice(name.indexOf('.') + 1), known),
  );
}
