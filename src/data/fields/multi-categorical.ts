import { z } from 'zod';
import { vocabularyName, vocabularyOptions } from './categorical.js';
import { canonicalText, type VocabularyKind } from './kind.js';
import { literal, textOf, textsOf } from './sql.js';

const LONGEST = 64;

const options = z.strictObject({
  ...vocabularyOptions,
  separator: z.string().min(1).default(',').describe('splits a text column; list columns need none'),
  flags: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('instead of one column: columns that hold 1 where the value of their name applies'),
  maxLength: z
    .int()
    .min(1)
    .optional()
    .describe('values kept; default: the longest list of the training part, at most 64'),
});
type Options = z.output<typeof options>;

interface State {
  vocabulary: string;
  separator: string;
  maxLength: number;
}

/** Several values of a closed set: tags, genres. Given as a list, as text with a separator, or as one flag column per value. */
export const multiCategorical: VocabularyKind<Options, State> = {
  input: 'texts',
  options,
  columns: (field) => field.options.flags ?? [field.column],
  source(field, columns) {
    if (field.options.flags === undefined) return { sql: textsOf(columns[0]!, field.options.separator), checks: [] };
    const named = columns.map(
      (column) => `CASE WHEN ${textOf(column)} IN ('1', 'true') THEN ${literal(column.name)} END`,
    );
    return { sql: `list_filter([${named.join(', ')}], lambda x: x IS NOT NULL)`, checks: [] };
  },
  vocabulary: (field) => ({ name: vocabularyName(field), minCount: field.options.minCount }),
  fit: (field, longest) => ({
    vocabulary: vocabularyName(field),
    separator: field.options.separator,
    maxLength: field.options.maxLength ?? Math.min(LONGEST, Math.max(1, longest)),
  }),
  feature: ({ name, owner }, { vocabulary, maxLength }, sizeOf) => ({
    name,
    owner,
    encoding: 'ids',
    vocabulary,
    size: sizeOf(vocabulary),
    maxLength,
  }),
  encodeRaw(value, { vocabulary, separator, maxLength }, rowOf) {
    const values = Array.isArray(value)
      ? value.map(canonicalText)
      : (canonicalText(value)
          ?.split(separator)
          .map((part) => canonicalText(part.replace(/^ +| +$/g, ''))) ?? []);
    const rows: number[] = [];
    for (const text of values) {
      if (rows.length === maxLength) break;
      if (text !== null) rows.push(rowOf(vocabulary, text));
    }
    return rows;
  },
};
