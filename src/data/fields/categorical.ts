import { z } from 'zod';
import { canonicalText, type Field, type VocabularyKind } from './kind.js';
import { textOf } from './sql.js';

export const vocabularyOptions = {
  minCount: z.int().min(1).default(1).describe('training events a value needs to have a row of its own'),
  vocabulary: z.string().min(1).optional().describe('fields that name one vocabulary share its rows and its embedding'),
};

const options = z.strictObject(vocabularyOptions);
type Options = z.output<typeof options>;

/** One value of a closed set: text or a whole number. */
export const categorical: VocabularyKind<Options, { vocabulary: string }> = {
  input: 'text',
  options,
  columns: (field) => [field.column],
  source: (_, [column]) => ({ sql: textOf(column!), checks: [] }),
  vocabulary: (field) => ({ name: vocabularyName(field), minCount: field.options.minCount }),
  fit: (field) => ({ vocabulary: vocabularyName(field) }),
  feature: ({ name, owner }, { vocabulary }, sizeOf) => ({
    name,
    owner,
    encoding: 'id',
    vocabulary,
    size: sizeOf(vocabulary),
  }),
  encodeRaw(value, { vocabulary }, rowOf) {
    const text = canonicalText(value);
    return [text === null ? 0 : rowOf(vocabulary, text)];
  },
};

/** The vocabulary a field names, or one of its own: `owner.field`. */
export function vocabularyName(field: Field<{ vocabulary?: string | undefined }>): string {
  return field.options.vocabulary ?? `${field.owner}.${field.name}`;
}
