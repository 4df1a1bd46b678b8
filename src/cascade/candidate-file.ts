import { readFile } from 'node:fs/promises';
import { Database } from '../data/database.js';
import { literal } from '../data/fields/sql.js';
import { writeFileAtomic } from '../files.js';

/** One item that was found for a request. */
export interface CandidateRow {
  /** Row of the time-ordered event table that speaks for the request. */
  event: number;
  /** Key of the item. */
  item: string;
  /** Name of a stage of the dataset. */
  stage: string;
  /** 0 is the best. */
  rank: number;
  /** Of the run that gave the rank. */
  score: number;
  /** The teacher's logit, if it has one. */
  teacher: number | undefined;
}

/** Where candidates come from; stands in the file under the metadata key `twotower`. */
export interface CandidateSource {
  /** `logHash` of the dataset whose event rows are counted. */
  dataHash: string;
  dataset: string;
  /** Run folders. */
  retrieve: string;
  prerank?: string;
  teacher?: string;
  /** Time of the last event that the runs which mined had seen, in seconds since 1970. */
  seenUntil: number;
}

/** Writes candidates as Parquet: what `training.lists` reads. The file appears whole or not at all. */
export async function writeCandidates(
  file: string,
  blocks: AsyncIterable<readonly CandidateRow[]>,
  source: CandidateSource,
): Promise<void> {
  const db = await Database.open('512MB');
  try {
    await db.run(
      'CREATE TABLE mined (event BIGINT, item VARCHAR, stage VARCHAR, rank INTEGER, score FLOAT, teacher FLOAT)',
    );
    const table = await db.appender('mined');
    for await (const block of blocks) {
      for (const { event, item, stage, rank, score, teacher } of block) {
        table.appendBigInt(BigInt(event));
        table.appendVarchar(item);
        table.appendVarchar(stage);
        table.appendInteger(rank);
        table.appendFloat(score);
        if (teacher === undefined) table.appendNull();
        else table.appendFloat(teacher);
        table.endRow();
      }
    }
    table.closeSync();
    const made = db.path('mined.parquet');
    await db.run(
      `COPY (SELECT * FROM mined ORDER BY rowid) TO ${literal(made)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA {twotower: ${literal(JSON.stringify(source))}})`,
    );
    await writeFileAtomic(file, await readFile(made));
  } finally {
    db.close();
  }
}
