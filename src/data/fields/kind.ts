import type { z } from 'zod';
import type { Feature, Owner } from '../../schema.js';
import type { EncodedColumn } from '../dataset.js';

/** A field of a dataset description after its defaults are filled in. */
export interface Field<Options = Record<string, unknown>> {
  name: string;
  owner: Owner;
  kind: string;
  /** Column of the owner's table (context: of the events). */
  column: string;
  options: Options;
  /** What a field may need to know of the rest of the description. */
  time: TimeOptions;
}

export interface TimeOptions {
  column: string;
  unit: TimeUnit;
  /** Hours east of Greenwich, for the hour of day and the weekday. */
  utcOffset: number;
}

export type TimeUnit = 's' | 'ms' | 'us' | 'iso';

/** A column of a source file, ready to stand in SQL. */
export interface RawColumn {
  name: string;
  /** DuckDB type, for instance BIGINT, VARCHAR or BIGINT[]. */
  type: string;
  /** The quoted name. */
  sql: string;
}

/** What a kind reads of each row: SQL over the source file, giving VARCHAR, VARCHAR[] or DOUBLE as its `input` says. */
export interface FieldSource {
  sql: string;
  /** Conditions under which a row is unusable, each with the column to blame. */
  checks: Check[];
}

export interface Check {
  column: string;
  /** SQL that is true for a bad row. */
  when: string;
  /** SQL of the value to show. */
  value: string;
  /** Completes the sentence `"abc" …`. */
  says: string;
  remedy: string;
}

/** Numbers of the training part, ascending, each with the training events it occurred in. */
export interface NumberStatistics {
  /** Sum of all counts: training events with a number. */
  total(): Promise<number>;
  chunks(): AsyncIterable<{ values: Float64Array; counts: Float64Array }>;
}

/** The row of a value in a named vocabulary, 0 where it is unknown. */
export type RowOf = (vocabulary: string, value: string) => number;

interface KindBase<Options, State> {
  /** Keys a field of this kind may have beside `kind` and `column`. */
  options: z.ZodObject;
  /** The column where the description names none; default: the name of the field. */
  usualColumn?(time: TimeOptions): string;
  /** Says why options do not go together, if they do not. */
  conflict?(options: Record<string, unknown>): string | undefined;
  /** Columns of the source file it reads. */
  columns(field: Field<Options>): string[];
  source(field: Field<Options>, columns: RawColumn[]): FieldSource;
  /** The shape offered to models. `sizeOf` gives the rows of a vocabulary, the unknown row included. */
  feature(field: { name: string; owner: Owner }, state: State, sizeOf: (vocabulary: string) => number): Feature;
  /**
   * Encodes one raw value at serving time: the row (encoding `id`), up to maxLength rows (`ids`) or the numbers (`numbers`).
   * Never throws: what cannot be read is the unknown row, or the mean.
   */
  encodeRaw(value: unknown, state: State, rowOf: RowOf): number[];
}

/** Values are counted on the training part and become rows of a vocabulary. */
export interface VocabularyKind<Options, State> extends KindBase<Options, State> {
  input: 'text' | 'texts';
  /** Name of the vocabulary and the training events a value needs to have its own row. */
  vocabulary(field: Field<Options>): { name: string; minCount: number };
  /** @param longest values in the longest list of the training part (1 for `text`) */
  fit(field: Field<Options>, longest: number): State;
}

/** Values are numbers, encoded by arithmetic on what was learnt of the training part. */
export interface NumberKind<Options, State> extends KindBase<Options, State> {
  input: 'number';
  fit(field: Field<Options>, statistics: NumberStatistics): Promise<State>;
  /** An empty column of `count` rows. */
  allocate(count: number, state: State): EncodedColumn;
  /** Writes row `index`; NaN stands for a missing value. */
  encode(value: number, state: State, column: EncodedColumn, index: number): void;
}

/** Any kind, whatever its options and its state. */
export type FieldKind<Options = unknown, State = unknown> = VocabularyKind<Options, State> | NumberKind<Options, State>;

/** Text by which a value is known in a vocabulary: whole numbers lose a trailing `.0`; null where there is no value. */
export function canonicalText(value: unknown): string | null {
  switch (typeof value) {
    case 'string': {
      if (value === '') return null;
      return value.endsWith('.0') && /^[+-]?\d{1,18}\.0$/.test(value) ? value.slice(0, -2) : value;
    }
    case 'number':
      if (Number.isNaN(value)) return null;
      return Object.is(value, -0) ? '0' : String(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return null;
  }
}

/** A number from a raw value: numbers, numeric text, truth values as 0 and 1; NaN for anything else. */
export function canonicalNumber(value: unknown): number {
  let number = Number.NaN;
  if (typeof value === 'number') number = value;
  else if (typeof value === 'bigint' || typeof value === 'boolean') number = Number(value);
  else if (typeof value === 'string' && value.trim() !== '') {
    const truth = ['false', 'true'].indexOf(value.toLowerCase());
    number = truth === -1 ? Number(value) : truth;
  }
  return Number.isFinite(number) ? number : Number.NaN;
}
