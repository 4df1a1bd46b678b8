import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DuckDBAppender,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBListVector,
  type DuckDBVector,
} from '@duckdb/node-api';

/** Folders of the databases that are open. */
const open = new Set<string>();
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** A process that is stopped in the middle of a load leaves no database behind. */
function onSignal(signal: NodeJS.Signals): void {
  // Whoever else listens, and comes after this, decides what becomes of the process.
  if (process.listenerCount(signal) > 1) return;
  for (const folder of open) removeFolder(folder);
  process.kill(process.pid, signal);
}

function addFolder(folder: string): void {
  if (open.size === 0) for (const signal of SIGNALS) process.prependListener(signal, onSignal);
  open.add(folder);
}

function removeFolder(folder: string): void {
  open.delete(folder);
  if (open.size === 0) for (const signal of SIGNALS) process.removeListener(signal, onSignal);
  rmSync(folder, { recursive: true, force: true });
}

/** A DuckDB database on disk that lives as long as one load: what does not fit its memory limit goes to the disk. */
export class Database {
  private constructor(
    private readonly folder: string,
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
  ) {}

  /**
   * @param memoryLimit as DuckDB writes it, for instance `512MB`
   * @param parent folder for the database and what does not fit the memory
   */
  static async open(memoryLimit: string, parent = tmpdir()): Promise<Database> {
    const folder = mkdtempSync(join(parent, 'twotower-'));
    addFolder(folder);
    try {
      const instance = await DuckDBInstance.create(join(folder, 'load.db'), { memory_limit: memoryLimit });
      const connection = await instance.connect();
      await connection.run(`SET TimeZone = 'UTC'`);
      // Closing would write everything into a file that is removed next.
      await connection.run('PRAGMA disable_checkpoint_on_shutdown');
      return new Database(folder, instance, connection);
    } catch (cause) {
      removeFolder(folder);
      throw cause;
    }
  }

  async run(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** Fills a table row by row; to be closed before the table is read. */
  appender(table: string): Promise<DuckDBAppender> {
    return this.connection.createAppender(table);
  }

  /** A path for a file that lives no longer than the database. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** A small result, as objects of plain JavaScript values; BIGINT becomes bigint. */
  async rows<T = Record<string, unknown>>(sql: string): Promise<T[]> {
    return (await this.connection.runAndReadAll(sql)).getRowObjectsJS() as T[];
  }

  /** A result of any size, chunk by chunk, in order. */
  async *stream(sql: string): AsyncGenerator<DuckDBDataChunk> {
    const result = await this.connection.stream(sql);
    while (true) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      yield chunk;
    }
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
    removeFolder(this.folder);
  }
}

// The vectors of these types keep their values in a typed array; reading it saves an object per value.
/** The values of an INTEGER column without NULLs. */
export function integers(vector: DuckDBVector): Int32Array {
  return (vector as unknown as { items: Int32Array }).items;
}

/** The values of a DOUBLE column without NULLs. */
export function doubles(vector: DuckDBVector): Float64Array {
  return (vector as unknown as { items: Float64Array }).items;
}

/** Calls `visit` with each row of an INTEGER[] column without NULLs: `values[from … to)` are its entries. */
export function eachList(
  vector: DuckDBVector,
  count: number,
  visit: (row: number, values: Int32Array, from: number, to: number) => void,
): void {
  const lists = vector as DuckDBListVector;
  const values = integers(lists.childVector);
  for (let row = 0; row < count; row++) {
    const from = lists.getEntryOffset(row);
    visit(row, values, from, from + lists.getEntryLength(row));
  }
}
