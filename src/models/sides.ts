import { didYouMean, TwoTowerError } from '../errors.js';
import { concat, inScope, reshape, type Tensor, width } from '../graph/index.js';
import { type EmbeddingOptions, embedField, type Field, isCategorical } from '../nn/fields.js';
import { poolHistory } from '../nn/history-pooling.js';
import type { Feature, Schema } from '../schema.js';
import type { ItemInputs, UserInputs } from './contract.js';

/** One feature as a tower sees it, under a name such as `user.age` or `history.clicks.genres`. */
export interface Group {
  name: string;
  /** [rows, width] */
  values: Tensor;
}

/** What one tower sees: an embedding for every id field, all of one width, and the numeric fields. */
export interface Side {
  embeddings: Group[];
  numbers: Group[];
}

/** The fields of the items. */
export function itemSide({ fields }: ItemInputs, options: EmbeddingOptions): Side {
  return sorted(fields.map((field) => plainGroup('item', field, options)));
}

/** User and context fields, and of each history the mean over its events of each of their fields: zeros without events. */
export function userSide({ fields, context, histories }: UserInputs, options: EmbeddingOptions, history = true): Side {
  const pooled = (history ? histories : []).flatMap((past) =>
    inScope(past.name, () =>
      past.fields.map((field) =>
        group(`history.${past.name}`, field, poolHistory({ ...past, fields: [field] }, options)),
      ),
    ),
  );
  return sorted([
    ...fields.map((field) => plainGroup('user', field, options)),
    ...context.map((field) => plainGroup('context', field, options)),
    ...pooled,
  ]);
}

interface Sortable extends Group {
  categorical: boolean;
}

function plainGroup(owner: string, field: Field, options: EmbeddingOptions): Sortable {
  return group(owner, field, isCategorical(field) ? embedField(field, options) : field.values);
}

function group(owner: string, field: Field, values: Tensor): Sortable {
  return { name: `${owner}.${field.feature.name}`, values, categorical: isCategorical(field) };
}

function sorted(groups: readonly Sortable[]): Side {
  const pick = (categorical: boolean) =>
    groups.filter((one) => one.categorical === categorical).map(({ name, values }) => ({ name, values }));
  return { embeddings: pick(true), numbers: pick(false) };
}

/** Embeddings, then numbers: [rows, total]. */
export function concatSide({ embeddings, numbers }: Side): Tensor {
  return concat([...embeddings, ...numbers].map(({ values }) => values));
}

/** Embeddings one above the other: [rows, S, e]; there must be one at least. */
export function stackEmbeddings({ embeddings }: Side): Tensor {
  const flat = concat(embeddings.map(({ values }) => values));
  return reshape(flat, [flat.shape[0]!, embeddings.length, width(embeddings[0]!.values)]);
}

/** The groups that the two sides of a schema would have, by name. */
export function groupsOf(
  schema: Schema,
  history = true,
): Record<'user' | 'item', { name: string; feature: Feature }[]> {
  const named = (owner: string, features: readonly Feature[]) =>
    features.map((feature) => ({ name: `${owner}.${feature.name}`, feature }));
  const past = (history ? schema.histories : []).flatMap(({ name, features }) => named(`history.${name}`, features));
  return {
    user: [...named('user', schema.user), ...named('context', schema.context), ...past],
    item: named('item', schema.item),
  };
}

/** @throws MODEL_OPTIONS where the data has nothing for one of the two towers */
export function requireSides(model: string, schema: Schema, history = true): void {
  const groups = groupsOf(schema, history);
  for (const side of ['user', 'item'] as const) {
    if (groups[side].length > 0) continue;
    const what = side === 'item' ? 'item field' : 'user field, context field or history';
    throw new TwoTowerError(
      'MODEL_OPTIONS',
      `${model}: the data has no ${what} for the ${side} tower`,
      'Add one to the dataset description.',
    );
  }
}

/** @throws MODEL_OPTIONS where an option names something that the data does not have */
export function requireKnown(model: string, option: string, names: readonly string[], known: readonly string[]): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new TwoTowerError('MODEL_OPTIONS', `${model}: ${option}: there is no "${name}"`, didYouMean(name, known));
  }
}
