import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { writeFileAtomic } from '../../files.js';
import { PHASES } from '../contract.js';
import { LEVELS } from './spread.js';

const positive = z.number().positive();
const atLeastZero = z.number().min(0);

const spread = z.array(atLeastZero).length(LEVELS.length);

const modelRates = z.strictObject({
  model: z.string(),
  fingerprint: z.string(),
  /** FLOPs of the item part a second on one core, many items at a time. */
  itemFlopsPerSecond: positive,
  userFlopsPerSecond: positive,
  /** Milliseconds of the service's thread for turning a user's values and history into feeds. */
  encodeMs: atLeastZero,
  /** A list of N candidates takes `listFixedMs` and its FLOPs at this rate: gathering states and sorting are in it. */
  listFixedMs: atLeastZero,
  listFlopsPerSecond: positive,
});

/** What a kind of requests takes besides what the models compute, and how its threads behave under load. */
const kindRates = z.strictObject({
  /** HTTP, JSON and messages, on the thread that speaks HTTP: a request, and each candidate or item of it. */
  fixedMs: atLeastZero,
  perEachMs: atLeastZero,
  /** Messages and collecting garbage, in a worker. */
  workerMs: atLeastZero,
  /** What a request takes more of a thread that has slept until it came: of the one that speaks HTTP, and of a worker. */
  serviceWakingMs: atLeastZero,
  workerWakingMs: atLeastZero,
  /** Milliseconds for which threads stand still now and then, and how many of them come upon each millisecond of the busiest one. */
  stallMs: atLeastZero,
  stallShare: atLeastZero,
});

/** What was measured of a machine. Milliseconds are of one core. */
export const ratesSchema = z.strictObject({
  format: z.literal(4),
  /** ISO 8601 */
  measured: z.string(),
  machine: z.record(z.string(), z.union([z.string(), z.number()])),
  cores: z.int().positive(),
  service: z.strictObject({
    rank: kindRates,
    recommend: kindRates,
    /** Besides the work itself, on the way of a request to the service's thread of an idle machine and back to who asked. */
    handoffMs: atLeastZero,
    handoffMsPerByte: atLeastZero,
    /** The same between that thread and a worker. */
    workerHandoffMs: atLeastZero,
    /** The times that equal requests take, from the shortest to the longest, over their mean: without the phases, and in them. */
    serviceSpread: spread,
    workerSpread: spread,
    /** Bytes on the wire, headers included: of a request and its answer, and of each candidate or item. */
    fixedBytes: positive,
    bytesPerCandidate: positive,
    bytesPerItem: positive,
    /** Of the process with its models and hardly any items. */
    memoryBytes: positive,
  }),
  models: z.partialRecord(z.enum(PHASES), modelRates),
  /** Looking at every item vector: multiply-adds a second. */
  scanPerSecond: positive.optional(),
  /** The approximate index, on so many rows; absent where its library cannot be loaded or nothing retrieves. */
  index: z
    .strictObject({
      rows: z.int().positive(),
      linkMsPerRow: positive,
      searchMs: positive,
      /** How many times as long a random row takes to read and multiply in a large array as in one that fits the caches. */
      farFactor: z.number().min(1),
    })
    .optional(),
});

export type Rates = z.output<typeof ratesSchema>;
export type KindRates = z.output<typeof kindRates>;
export type ModelRates = z.output<typeof modelRates>;

/** Reads a rates file; undefined where there is none. @throws USAGE where it is another kind of file */
export async function readRates(file: string): Promise<Rates | undefined> {
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new TwoTowerError('USAGE', `${file} is no rates file: ${(cause as Error).message}`, REMEDY);
  }
  const parsed = ratesSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new TwoTowerError('USAGE', `${file} is no rates file: ${[...path, message].join(': ')}`, REMEDY);
}

export async function writeRates(file: string, rates: Rates): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(rates, null, 2)}\n`);
}

const REMEDY = 'Name another file, or remove this one to measure anew.';
