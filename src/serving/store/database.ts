import { mkdir } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import { TwoTowerError } from '../../errors.js';

type Level = ClassicLevel<string, string>;
export type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string };

/**
 * An ordered map on disk (LevelDB) whose writes are flushed before they are acknowledged.
 *
 * After a failed write the end of LevelDB's log may hold half a record, behind which recovery would read nothing; so the next
 * access closes and opens the database, which begins a new log.
 */
export class DurableMap {
  private failed = false;
  private reopening: Promise<void> | undefined;

  private constructor(
    readonly folder: string,
    private level: Level,
  ) {}

  /** @throws SERVING_STATE when another process has it open, or it cannot be read */
  static async open(folder: string): Promise<DurableMap> {
    await mkdir(folder, { recursive: true });
    return new DurableMap(folder, await openLevel(folder));
  }

  /** All of it or nothing, flushed to the disk. @throws SERVING_STATE */
  async write(operations: Operation[]): Promise<void> {
    await this.recover();
    try {
      await this.level.batch(operations, { sync: true });
    } catch (cause) {
      this.failed = true;
      throw new TwoTowerError(
        'SERVING_STATE',
        `${this.folder}: cannot write: ${reasonOf(cause)}`,
        'Check that the disk has room and is writable; the next change tries again.',
      );
    }
  }

  async get(keys: string[]): Promise<(string | undefined)[]> {
    await this.recover();
    return this.level.getMany(keys);
  }

  /** Entries in the order of their keys. */
  async *entries(range: {
    gte: string;
    lt: string;
    reverse?: boolean;
    limit?: number;
  }): AsyncGenerator<[string, string]> {
    await this.recover();
    yield* this.level.iterator(range);
  }

  /** Removes a range of keys; a crash may leave some of them. */
  async clear(range: { gte: string; lt: string }): Promise<void> {
    await this.recover();
    await this.level.clear(range);
  }

  async close(): Promise<void> {
    await this.reopening?.catch(() => {});
    await this.level.close();
  }

  private async recover(): Promise<void> {
    if (!this.failed) return;
    this.reopening ??= (async () => {
      try {
        await this.level.close();
        this.level = await openLevel(this.folder);
        this.failed = false;
      } finally {
        this.reopening = undefined;
      }
    })();
    await this.reopening;
  }
}

async function openLevel(folder: string): Promise<Level> {
  const level: Level = new ClassicLevel(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  try {
    await level.open();
    return level;
  } catch (cause) {
    const locked = (cause as { cause?: { code?: string } }).cause?.code === 'LEVEL_LOCKED';
    throw new TwoTowerError(
      'SERVING_STATE',
      `${folder}: ${locked ? 'another process has it open' : `cannot be opened: ${reasonOf(cause)}`}`,
      locked
        ? 'One server at a time may serve a store; stop the other one.'
        : 'Check the disk; restore the folder from a backup.',
    );
  }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
