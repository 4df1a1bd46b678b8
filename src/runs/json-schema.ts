import { z } from 'zod';
import { datasetSchema } from '../data/config.js';
import { configSchema } from './config.js';

/** Those of the JSON Schemas for editors that a run needs, by the name of their file under `schemas/`. */
export const JSON_SCHEMAS = {
  training: () => jsonSchema(configSchema(), 'twotower training configuration'),
  dataset: () => jsonSchema(datasetSchema, 'twotower dataset description'),
} as const;

/** A zod schema as an editor reads it. */
export function jsonSchema(schema: z.ZodType, title: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return { $schema, title, ...rest };
}
