import { JSON_SCHEMAS as BELOW, jsonSchema } from '../runs/json-schema.js';
import { cascadeSchema } from './config.js';

/** The JSON Schemas that are published for editors, by the name of their file under `schemas/`. */
export const JSON_SCHEMAS = {
  ...BELOW,
  cascade: () => jsonSchema(cascadeSchema, 'twotower cascade'),
} as const;
