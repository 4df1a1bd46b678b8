import type { Database } from './database.js';

/** Which events are asked for; the part of the description that says so. */
export interface LeaveOut {
  newest: number;
  users?: { train: number; validation: number; seed: number } | undefined;
}

/** Values of the column `cut` that {@link markParts} writes: below each bound lies that part, beyond the last no part. */
export const PART_BOUNDS = { trainUntil: 1, validationUntil: 2, testUntil: 3 };

/**
 * Gives the staged events a column `cut`: 0 for training, 1 for validation, 2 for test, 3 for events that are history and
 * nothing else. Events of one user and moment stand in the order of the file.
 *
 * Without `users` every user's newest events are the test, as many before them validation, and all others training. With
 * `users`, users are dealt out by a hash of their keys: all events of some are training, the newest of the others are asked for.
 */
export async function markParts(db: Database, { newest, users }: LeaveOut): Promise<void> {
  const part =
    users === undefined
      ? `CASE WHEN age < ${newest} THEN 2 WHEN age < ${2 * newest} THEN 1 ELSE 0 END`
      : `CASE WHEN place < ${users.train} THEN 0 WHEN age >= ${newest} THEN 3 WHEN place < ${users.train + users.validation} THEN 1 ELSE 2 END`;
  await db.run(`ALTER TABLE events ADD COLUMN cut DOUBLE`);
  await db.run(`CREATE TABLE places AS
    SELECT "user" AS key, (row_number() OVER (ORDER BY md5('${users?.seed ?? 0} ' || "user"), "user") - 1) / count(*) OVER () AS place
    FROM (SELECT DISTINCT "user" FROM events WHERE problem = 0)`);
  await db.run(`UPDATE events SET cut = marked.part FROM (
      SELECT row, ${part} AS part FROM (
        SELECT rowid AS row, "user" AS key, row_number() OVER (PARTITION BY "user" ORDER BY seconds DESC, rowid DESC) - 1 AS age
        FROM events WHERE problem = 0
      ) JOIN places USING (key)
    ) AS marked WHERE events.rowid = marked.row`);
  await db.run('DROP TABLE places');
}
