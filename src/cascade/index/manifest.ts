import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { INDEX_METRICS } from './metric.js';

export const MANIFEST_FILE = 'manifest.json';
/** `vectors` [rows, width] float32 and `present` [rows] uint8. */
export const VECTORS_FILE = 'vectors.safetensors';
/** In the format of the library. */
export const GRAPH_FILE = 'graph.usearch';

const natural = z.int().min(0);

const measuredRecall = z.strictObject({
  value: z
    .number()
    .min(0)
    .max(1)
    .describe('share of the exact best `at` rows that the index found, mean over the queries'),
  at: z.int().positive(),
  queries: z.int().positive().describe('how many were asked'),
  source: z.enum(['given', 'rows']).describe('queries given by the caller, or rows of the index themselves'),
  target: z.number().min(0).max(1).describe('what the expansion was raised for'),
  changesSince: natural.describe('rows added, replaced or removed since'),
});

/** What was measured against exact search when an index was built. */
export type MeasuredRecall = z.output<typeof measuredRecall>;

const hnswSettings = z.strictObject({
  connectivity: z.int().min(2).describe('links of a node; the lowest level has twice as many'),
  expansionAdd: z.int().positive().describe('candidates that are weighed when a row is linked'),
  expansion: z
    .int()
    .positive()
    .describe('rows that a search looks at for its best `at`, in proportion for more, never fewer'),
  at: z.int().positive(),
});

/** How an approximate index was made and is searched. */
export type HnswSettings = z.output<typeof hnswSettings>;

const file = z.strictObject({ bytes: natural, sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const common = {
  format: z.literal(1),
  metric: z.enum(INDEX_METRICS),
  width: z.int().positive(),
  rows: natural.describe('rows there ever were'),
  count: natural.describe('rows that can be found'),
};

/** What `manifest.json` of an index says. */
export const indexManifest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('exact'), ...common, files: z.strictObject({ [VECTORS_FILE]: file }) }),
  z.strictObject({
    kind: z.literal('hnsw'),
    ...common,
    settings: hnswSettings,
    length: z.number().min(0).describe('what every row is lifted to; 0: rows are as they are'),
    recall: measuredRecall.optional(),
    files: z.strictObject({ [VECTORS_FILE]: file, [GRAPH_FILE]: file }),
  }),
]);

export type IndexManifest = z.output<typeof indexManifest>;

/** The error for a folder that is no index, or no longer. */
export function damagedIndex(path: string, reason: string): TwoTowerError {
  return new TwoTowerError(
    'INDEX_DAMAGED',
    `${path}: ${reason}`,
    'Build the index again, or restore the folder from a copy.',
  );
}
