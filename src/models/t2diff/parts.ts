import { TwoTowerError } from '../../errors.js';
import { concat, type Tensor } from '../../graph/index.js';
import { perEvent } from '../../nn/events.js';
import { embedFields, type Field } from '../../nn/fields.js';
import type { Schema } from '../../schema.js';
import type { History, UserInputs } from '../contract.js';
import { createGenerator, type Generator, type Sequence } from './generator.js';
import type { Options } from './options.js';

/** What both sides of the model and the measurement of its guesses are made of. */
export interface Parts {
  /** Names of the item fields that make the embedding of an item in the sequence. */
  sequence: readonly string[];
  generator: Generator | undefined;
  /** The history that is the sequence. */
  pastOf(inputs: UserInputs): History;
  /** x [..., d] of the items the fields tell about. */
  embed(fields: readonly Field[]): Tensor;
  /** The embedded sequence. */
  read(past: History): Sequence;
}

/** Checks the options against the data. */
export function createParts(schema: Schema, options: Options): Parts {
  const { history, embedding, session, heads } = options;
  const at = history === undefined ? 0 : schema.histories.findIndex(({ name }) => name === history);
  const past = schema.histories[at];
  if (past === undefined) throw refused(`the data has no history ${history ?? ''}`.trimEnd());
  const usable = past.features
    .filter(({ name, encoding }) => encoding !== 'numbers' && schema.item.some((feature) => feature.name === name))
    .map(({ name }) => name);
  const sequence = options.sequence ?? usable;
  const strange = sequence.find((name) => !usable.includes(name));
  if (strange !== undefined) throw refused(`${strange} is no id field of items that history ${past.name} has`);
  if (sequence.length === 0) throw refused(`history ${past.name} has no id field of items`);
  const d = embedding * sequence.length;
  if (d % heads !== 0) throw refused(`a width of ${d} does not divide into ${heads} heads`);
  if (session >= past.maxLength) {
    throw refused(`a session of ${session} leaves nothing of a history of ${past.maxLength} events`);
  }
  if (options.fusion === 'none' && (options.width !== 2 * d || options.allFields)) {
    throw refused(`without a fusion the vectors are ${2 * d} wide and hold the two interests alone`);
  }
  const embed = (fields: readonly Field[]) => {
    const chosen = sequence.map((name) => fields.find(({ feature }) => feature.name === name)!);
    return concat(embedFields(chosen, { width: embedding }));
  };
  return {
    sequence,
    generator: createGenerator(options, past.maxLength),
    pastOf: ({ histories }) => histories[at]!,
    embed,
    read: (past) => ({ items: perEvent(past, embed), mask: past.mask }),
  };
}

function refused(why: string): TwoTowerError {
  return new TwoTowerError(
    'MODEL_OPTIONS',
    `t2diff: ${why}`,
    'T2Diff needs a history of item fields, longer than `session`.',
  );
}
