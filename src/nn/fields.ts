import { TwoTowerError } from '../errors.js';
import {
  cast,
  concat,
  constant,
  currentScope,
  type Dim,
  divide,
  expandDims,
  type Initializer,
  indicator,
  input,
  inScope,
  less,
  lookup,
  maximum,
  multiply,
  reduceSum,
  type Tensor,
  takeUsed,
  type Used,
} from '../graph/index.js';
import type { Feature } from '../schema.js';
import { normal } from './initializers.js';

/** One feature as fed: `values` is int32 [...] or [..., M], or float32 [..., W]; see `schema.ts`. */
export interface Field {
  feature: Feature;
  values: Tensor;
  /** How many of the M ids are used; for the encoding `ids` only: [...]. */
  length?: Tensor;
  /** Where the values are those of padded lists: the positions whose embeddings and numbers are wanted, [E] instead of [...]. */
  used?: Used;
}

/** Declares the feeds of a feature: `prefix.name` with the given leading axes. */
export function fieldInput(feature: Feature, prefix: string, lead: readonly Dim[]): Field {
  const name = `${prefix}.${feature.name}`;
  switch (feature.encoding) {
    case 'id':
      return { feature, values: input(name, lead, 'int32') };
    case 'ids':
      return {
        feature,
        values: input(name, [...lead, feature.maxLength], 'int32'),
        length: input(`${name}.length`, lead, 'int32'),
      };
    case 'numbers':
      return { feature, values: input(name, [...lead, feature.width]) };
  }
}

export interface EmbeddingOptions {
  /** Width of an embedding. */
  width: number;
  initialize?: Initializer;
  /** Prefix of the table's name, for a second table over the same vocabulary. */
  table?: string;
}

/** The rule for embeddings unless a model's specification gives another. */
export const EMBEDDING_INITIALIZER = normal(0.01);

/** Embeds an `id` or `ids` field: [...] → [..., width]; several ids are averaged, none gives zeros. */
export function embedField(field: Field, options: EmbeddingOptions): Tensor {
  const { feature, values, length, used } = field;
  if (feature.encoding === 'numbers') throw new TypeError(`${feature.name} holds numbers, not ids`);
  const { width, initialize = EMBEDDING_INITIALIZER, table = '' } = options;
  return inScope(feature.name, () => {
    const rows = lookup(`${table}${feature.vocabulary}`, feature.size, width, values, initialize, used);
    return feature.encoding === 'id' ? rows : meanOfFirst(rows, wanted(length!, used));
  });
}

const wanted = (x: Tensor, used: Used | undefined): Tensor => (used === undefined ? x : takeUsed(x, used));

/** Mean of the first `length` rows: [..., M, d] and int32 [...] → [..., d]; zeros where there is none. */
export function meanOfFirst(rows: Tensor, length: Tensor): Tensor {
  const mask = indicator(firstMask(rows.shape.at(-2) as number, length));
  const total = reduceSum(multiply(rows, expandDims(mask, -1)), -2);
  return divide(total, expandDims(maximum(cast(length, 'float32'), 1), -1));
}

/** bool [..., size]: true at the first `length` positions. */
export function firstMask(size: number, length: Tensor): Tensor {
  const positions = constant(
    Array.from({ length: size }, (_, i) => i),
    [size],
    'int32',
  );
  return less(positions, expandDims(length, -1));
}

/** bool [..., size]: true at the last `length` positions, where right-aligned histories stand. */
export function lastMask(size: number, length: Tensor): Tensor {
  const distance = constant(
    Array.from({ length: size }, (_, i) => size - 1 - i),
    [size],
    'int32',
  );
  return less(distance, expandDims(length, -1));
}

/** Embeds every id field, one vector each: a list of [..., width]. */
export function embedFields(fields: readonly Field[], options: EmbeddingOptions): Tensor[] {
  return fields.filter(isCategorical).map((field) => embedField(field, options));
}

/** The values of a numeric field: [..., W] */
export const numbersOf = ({ values, used }: Field): Tensor => wanted(values, used);

/** The values of every numeric field: a list of [..., W]. */
export function numberFields(fields: readonly Field[]): Tensor[] {
  return fields.filter((field) => field.feature.encoding === 'numbers').map(numbersOf);
}

/** All fields side by side: embeddings, then numbers: [..., total]. Throws MODEL_OPTIONS where there is none. */
export function concatFields(fields: readonly Field[], options: EmbeddingOptions): Tensor {
  if (fields.length === 0) {
    throw new TwoTowerError(
      'MODEL_OPTIONS',
      `${currentScope()}: the model needs a field here, and the data has none`,
      'describe at least one user or context field and one item field in the dataset description',
    );
  }
  return concat([...embedFields(fields, options), ...numberFields(fields)]);
}

export function isCategorical(field: Field): boolean {
  return field.feature.encoding !== 'numbers';
}
