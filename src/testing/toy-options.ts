import { existsSync } from 'node:fs';
import type { ModelDefinition } from '../models/contract.js';
import { packagePath } from '../package-root.js';
import type { Feature, Schema } from '../schema.js';
import { buildServingParts } from '../training/serving-graph.js';

const WIDE = 16;
const NARROW = 8;
const DROPOUT = 0.1;

/**
 * A model's default options, only smaller: whole numbers from 16 become 8, which the usual numbers of heads divide. Dropout is
 * on wherever a model has it. Where that does not fit a model, `src/models/NAME/testing/toy.ts` exports the options that differ
 * from the default ones.
 */
export async function toyOptions<Options>({ name, options }: ModelDefinition<Options>): Promise<Options> {
  const file = packagePath('src', 'models', name, 'testing', 'toy.ts');
  const own = existsSync(file) ? (await import(/* @vite-ignore */ file)).default : {};
  return options.parse({ ...(narrow(options.parse({})) as object), ...own });
}

function narrow(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) && value >= WIDE ? NARROW : value;
  if (Array.isArray(value)) return value.map(narrow);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, key === 'dropout' ? DROPOUT : narrow(inner)]);
  return Object.fromEntries(entries);
}

/** Data that lacks something a model may or may not need. */
export const POORER: Record<string, (schema: Schema) => Schema> = {
  'without histories': (schema) => ({ ...schema, histories: [] }),
  'without context': (schema) => ({ ...schema, context: [] }),
  'with nothing of the user but a history': (schema) => ({ ...schema, user: [], context: [] }),
  'with nothing of the user': (schema) => ({ ...schema, user: [], context: [], histories: [] }),
  'with numbers alone': (schema) => onlyEncoded(schema, 'numbers'),
  'with single ids alone': (schema) => onlyEncoded(schema, 'id'),
  'without item fields': (schema) => onlyEncoded({ ...schema, item: [] }, 'id'),
};

function onlyEncoded(schema: Schema, encoding: Feature['encoding']): Schema {
  const keep = (features: Feature[]) => features.filter((feature) => feature.encoding === encoding);
  const histories = schema.histories.map((history) => ({ ...history, features: keep(history.features) }));
  return { user: keep(schema.user), context: keep(schema.context), item: keep(schema.item), histories };
}

/** Builds the parts of a model for a schema; what it throws, if it does. */
export async function refusal<Options>(definition: ModelDefinition<Options>, schema: Schema): Promise<unknown> {
  const options = await toyOptions(definition);
  try {
    buildServingParts(definition.create(schema, options), schema);
    return undefined;
  } catch (error) {
    return error;
  }
}
