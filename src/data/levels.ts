import { TwoTowerError } from '../errors.js';
import type { DatasetConfig } from './config.js';
import type { Dataset, SplitName } from './dataset.js';

/** How far events come, as a description says or, where it says nothing, as an exposure log implies. */
export interface StageLevels {
  /** In ascending order; 0 is the corpus. */
  names: string[];
  /** The first level that means "the user saw it". */
  shown: number;
  /** Column of the events that names the level; without it every event was shown. */
  column: string | undefined;
  /** Feedback that lifts what was shown to a higher level. */
  lifts: { level: number; feedback: string }[];
}

/** The levels of a description; by default corpus, candidate, shown and the positives of the label. */
export function stageLevels({ stages, label }: Pick<DatasetConfig, 'stages' | 'label'>): StageLevels {
  if (stages === undefined) {
    return {
      names: ['corpus', 'candidate', 'shown', label],
      shown: 2,
      column: undefined,
      lifts: [{ level: 3, feedback: label }],
    };
  }
  const { names, shown, column, feedback } = stages;
  return {
    names: [...names],
    shown: names.indexOf(shown),
    column,
    lifts: Object.entries(feedback).map(([name, column]) => ({ level: names.indexOf(name), feedback: column })),
  };
}

/**
 * The level of every event: the highest of the logged one and those its feedback lifts it to.
 *
 * @param logged level named by the log, [events]; every event was shown unless given
 */
export function eventStages(
  { shown, lifts }: StageLevels,
  feedback: ReadonlyMap<string, Float32Array>,
  count: number,
  logged?: Int32Array,
): Uint8Array {
  const stage = new Uint8Array(count).fill(shown);
  if (logged !== undefined) stage.set(logged);
  for (const { level, feedback: name } of lifts) {
    const values = feedback.get(name)!;
    for (let row = 0; row < count; row++) {
      if (values[row]! > 0 && stage[row]! >= shown && stage[row]! < level) stage[row] = level;
    }
  }
  return stage;
}

/** Names of the levels between the corpus and what was shown, ascending: what a mined candidate may be. */
export function candidateStages({ stages, shown }: Pick<Dataset, 'stages' | 'shown'>): string[] {
  return stages.slice(1, shown);
}

/**
 * Parts of a log with what was shown and what was not kept apart.
 *
 * @throws DATA_SPLIT where a part has nothing that was shown
 */
export function separateUnshown(
  parts: Record<SplitName, Uint32Array>,
  stage: Uint8Array,
  shown: number,
): Pick<Dataset, 'splits' | 'unshown'> {
  if (stage.every((level) => level >= shown)) return { splits: parts };
  const where = (keep: (row: number) => boolean) => ({
    train: parts.train.filter(keep),
    validation: parts.validation.filter(keep),
    test: parts.test.filter(keep),
  });
  const splits = where((row) => stage[row]! >= shown);
  for (const part of ['train', 'validation', 'test'] as const) {
    if (splits[part].length === 0 && parts[part].length > 0) throw nothingShown(part);
  }
  return { splits, unshown: where((row) => stage[row]! < shown) };
}

/** What to say of a part of a log in which nothing was shown. */
export function nothingShown(part: SplitName): TwoTowerError {
  return new TwoTowerError(
    'DATA_SPLIT',
    `nothing in the ${part} part was shown: all its events are at a lower stage`,
    'Check `stages.shown`, the stage column, and the split.',
  );
}
