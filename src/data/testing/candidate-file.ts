import { Database } from '../database.js';

/** The teacher's score as SQL. */
export type CandidateFileRow = [
  event: number | null,
  item: string | null,
  stage: string | null,
  rank: number | null,
  teacher: string,
];

/** A file of candidates as mining writes it, with a last column of any name and type; returns its path. */
export async function writeCandidateFile(
  file: string,
  rows: readonly CandidateFileRow[],
  about: object | string,
  column = 'teacher',
  type = 'FLOAT',
): Promise<string> {
  const db = await Database.open('64MB');
  const sql = (value: string | number | null) => (typeof value === 'string' ? `'${value}'` : String(value));
  const said = typeof about === 'string' ? about : JSON.stringify(about);
  try {
    await db.run(
      `CREATE TABLE mined (event BIGINT, item VARCHAR, stage VARCHAR, rank INTEGER, score FLOAT, ${column} ${type})`,
    );
    const values = rows.map(([event, item, stage, rank, teacher]) => {
      return `(${[event, item, stage, rank].map(sql).join(', ')}, 0.5, ${teacher})`;
    });
    if (values.length > 0) await db.run(`INSERT INTO mined VALUES ${values.join(', ')}`);
    await db.run(`COPY mined TO '${file}' (FORMAT parquet, KV_METADATA {twotower: '${said}'})`);
    return file;
  } finally {
    db.close();
  }
}
