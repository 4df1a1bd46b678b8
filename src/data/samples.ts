import { createHash } from 'node:crypto';
import { TwoTowerError } from '../errors.js';

/**
 * Training samples in lists, one list per request: plain arrays that a worker may share. Row r is one pair; list l owns the
 * rows `offsets[l]` to `offsets[l + 1]`. No list holds an item twice. See `full-stage.ts` for how they are drawn.
 */
export interface SampleTable {
  /** [rows] The event that speaks for the request (user, context, time): the first of its list, the same for all its rows. */
  event: Uint32Array;
  /** [rows] Row in the item table. */
  item: Int32Array;
  /** [rows] Feedback on what was shown; 0 for what was not. */
  label: Float32Array;
  /** [rows] How far the item came: index into `Dataset.stages`. */
  stage: Uint8Array;
  /** [rows] The event that logged this pair, or -1: mined candidates and randoms were never logged. */
  logged: Int32Array;
  /** [rows] A teacher's logit, NaN where there is none. */
  teacher?: Float32Array;
  /** [lists + 1] */
  offsets: Uint32Array;
}

/** Lists in a table. */
export function listCount(samples: SampleTable): number {
  return samples.offsets.length - 1;
}

/** The rows of some lists, list after list. */
export function rowsOfLists({ offsets }: SampleTable, lists: Uint32Array): Uint32Array {
  const rows = new Uint32Array(lists.reduce((sum, list) => sum + offsets[list + 1]! - offsets[list]!, 0));
  let at = 0;
  for (const list of lists) for (let row = offsets[list]!; row < offsets[list + 1]!; row++) rows[at++] = row;
  return rows;
}

/**
 * The same samples with a teacher's logits.
 *
 * @param scores [rows], NaN where the teacher says nothing
 * @throws DATA_VALUE when there is not one score per row
 */
export function withTeacher(samples: SampleTable, scores: Float32Array): SampleTable {
  const rows = samples.item.length;
  if (scores.length !== rows) {
    throw new TwoTowerError(
      'DATA_VALUE',
      `${scores.length} teacher scores for ${rows} samples`,
      'Give one score per row of the sample table, NaN where there is none.',
    );
  }
  return { ...samples, teacher: scores };
}

/** Scores of events (`eventScores`) as scores of samples: NaN where a sample was never logged. */
export function scoresOfSamples(samples: SampleTable, byEvent: Float32Array): Float32Array {
  return Float32Array.from(samples.logged, (event) => (event < 0 ? Number.NaN : byEvent[event]!));
}

/** SHA-256 over the samples. */
export function hashOfSamples({ event, item, label, stage, logged, teacher, offsets }: SampleTable): string {
  const hash = createHash('sha256');
  for (const column of [event, item, label, stage, logged, offsets, teacher]) {
    if (column === undefined) continue;
    const { buffer, byteOffset, byteLength } = column;
    hash.update(`\0${byteLength}\0`).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}

/** How many samples of each stage there are, by name; stages without any are left out. */
export function countStages(stage: Uint8Array, names: readonly string[]): Record<string, number> {
  const counts = new Uint32Array(names.length);
  for (const level of stage) counts[level]!++;
  return Object.fromEntries(names.flatMap((name, level) => (counts[level]! > 0 ? [[name, counts[level]!]] : [])));
}
