import { JSON_SCHEMAS as BELOW } from '../cascade/json-schema.js';
import { jsonSchema } from '../runs/json-schema.js';
import { leaderboardSchema } from './config.js';

/** The JSON Schemas that are published for editors, by the name of their file under `schemas/`. */
export const JSON_SCHEMAS = {
  ...BELOW,
  leaderboard: () => jsonSchema(leaderboardSchema, 'twotower leaderboard'),
} as const;
