import { DuckDBInstance } from '@duckdb/node-api';
import { packagePath } from '../src/package-root.js';

export type Raw = Record<string, unknown>;

/** The test samples of KuaiRand-Pure as a caller without the dataset would send them: raw columns, and histories put together from the source files. */
export async function rawRequests() {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const query = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson() as Raw[];
  const file = (table: string) => `'${packagePath('datasets', 'kuairand-pure', `${table}.parquet`)}'`;
  const users = new Map((await query(`select * from ${file('users')}`)).map((row) => [String(row.user_id), row]));
  const items = await query(`select * from ${file('items')}`);
  const seeds = await query(`select user_id, long_watch_seq from ${file('history')}`);
  const events = await query(`select user_id, video_id, tab, time_ms, is_click, date
    from read_parquet(${file('events')}, file_row_number = true) order by time_ms, file_row_number`);
  const past = new Map<string, { item: unknown; time: number }[]>();
  for (const { user_id, long_watch_seq } of seeds) {
    past.set(
      String(user_id),
      (long_watch_seq as unknown[]).map((item) => ({ item, time: Number.NEGATIVE_INFINITY })),
    );
  }
  const requests: Raw[] = [];
  const wanted: unknown[] = [];
  for (const event of events) {
    const user = String(event.user_id);
    const time = Number(event.time_ms) / 1000;
    const history = past.get(user) ?? [];
    if (Number(event.date) >= 20220507) {
      const before = history.filter((earlier) => earlier.time < time).slice(-50);
      requests.push({ ...users.get(user), tab: event.tab, time_ms: event.time_ms, histories: { clicks: before } });
      wanted.push(event.video_id);
    }
    if (Number(event.is_click) === 1) past.set(user, [...history, { item: event.video_id, time }]);
  }
  const at = new Map(items.map((item, i) => [String(item.video_id), i]));
  const pairs = wanted.map((item, user) => ({ user, item: at.get(String(item))! }));
  return { users: requests, items, pairs };
}
