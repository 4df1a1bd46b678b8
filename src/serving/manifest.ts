import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TwoTowerError } from '../errors.js';
import { PHASES } from './contract.js';
import { REMEDY, VERSION_FILES } from './version-files.js';

const tensor = z.strictObject({
  name: z.string(),
  dtype: z.enum(['float32', 'int32', 'bool']),
  shape: z.array(z.union([z.string(), z.number()])),
});
const part = z.strictObject({ file: z.string(), inputs: z.array(tensor), outputs: z.array(tensor) });

const phase = z.strictObject({
  phase: z.enum(PHASES),
  model: z.string(),
  run: z.strictObject({
    dataset: z.string(),
    dataHash: z.string(),
    label: z.string(),
    seed: z.number(),
    step: z.number(),
  }),
  keep: z.int().min(1),
  budgetMs: z.number().positive().optional(),
  /** States whose inner product retrieves, where the model has them. */
  retrieval: z.strictObject({ user: z.string(), item: z.string() }).optional(),
  /** Present where the folder `index` holds an approximate index over the item vectors; else every item is looked at. */
  index: z.strictObject({ recall: z.number().optional() }).optional(),
  parts: z.strictObject({ item: part, user: part, score: part, rerank: part.optional() }),
  metrics: z.record(z.string(), z.number()),
});

/** Changes with what the files of a version are. */
export const FORMAT = 2;

const schema = z.strictObject({
  format: z.literal(FORMAT, {
    error: ({ input }) => `${JSON.stringify(input)} is another format than ${FORMAT}, which this twotower writes`,
  }),
  id: z.string().regex(/^[\w.-]+$/),
  created: z.string(),
  dataset: z.string(),
  items: z.int().min(0),
  users: z.int().min(0),
  /** Raw columns that hold the keys, where a field reads them. */
  keyColumns: z.strictObject({ user: z.string().optional(), item: z.string().optional() }),
  histories: z.array(z.strictObject({ name: z.string(), positive: z.string(), maxLength: z.int().min(1) })),
  phases: z.array(phase).min(1).max(PHASES.length),
  files: z.record(z.string(), z.strictObject({ bytes: z.number(), sha256: z.string() })),
});

export type Manifest = z.output<typeof schema>;
export type PhaseManifest = Manifest['phases'][number];
export type PartManifest = z.output<typeof part>;
export type TensorManifest = z.output<typeof tensor>;

/** Reads and validates a version's manifest. @throws SERVING_STORE */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, VERSION_FILES.manifest);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw new TwoTowerError('SERVING_STORE', `${folder} is no version: it has no ${VERSION_FILES.manifest}`, REMEDY);
  }
  return parseManifest(text, file);
}

/** @param file where the text is from, for messages @throws SERVING_STORE */
export function parseManifest(text: string, file: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TwoTowerError('SERVING_STORE', `${file} is damaged: it is not JSON`, REMEDY);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new TwoTowerError('SERVING_STORE', `${file}: ${path.join('.')}: ${message}`, REMEDY);
  }
  return parsed.data;
}
