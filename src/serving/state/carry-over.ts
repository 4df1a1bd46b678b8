import { TwoTowerError } from '../../errors.js';
import type { ChangeReport, ItemRow, Key } from '../contract.js';
import { FLEET_FILE } from './fleet-file.js';
import type { ChangeTarget, ServingState, StoredEvent } from './serving-state.js';
import type { Kind, SharedLog } from './shared-log.js';

/** Rows of items and users as the log takes them: keys and JSON in turns. */
export function rowsOf(rows: readonly ItemRow[]): string[] {
  return rows.flatMap(({ key, values }) => [String(key), JSON.stringify(values)]);
}

export function removalsOf(keys: readonly Key[]): string[] {
  return keys.flatMap((key) => [String(key), 'null']);
}

export function eventsOf(events: readonly StoredEvent[]): string[] {
  return events.map((event) => JSON.stringify(event));
}

/**
 * Writes everything that another state holds into one that nobody follows yet.
 *
 * @throws SERVING_STATE where a write failed
 */
export async function carryOver(
  from: ServingState,
  log: SharedLog,
  epoch: string,
  writer: string,
): Promise<{ rows: number }> {
  let failure: unknown;
  const write = async (kind: Kind, rows: readonly string[], count: number): Promise<ChangeReport> => {
    if (failure !== undefined) throw failure;
    try {
      const { result } = await log.write(epoch, 0, writer, kind, rows);
      if (result !== 'ok') throw new Error('the shared state was exchanged meanwhile');
    } catch (error) {
      failure = error;
      throw error;
    }
    return { applied: count, ignored: 0 };
  };
  const target: ChangeTarget = {
    putItems: (rows) => write('i', rowsOf(rows), rows.length),
    deleteItems: (keys) => write('i', removalsOf(keys), keys.length),
    putUsers: (rows) => write('u', rowsOf(rows), rows.length),
    deleteUsers: (keys) => write('u', removalsOf(keys), keys.length),
    addEvents: (events) => write('e', eventsOf(events as StoredEvent[]), events.length),
  };
  const counted = await from.replay(target, () => {});
  if (failure === undefined) return counted;
  throw new TwoTowerError(
    'SERVING_STATE',
    `what a single server stored could not be carried over whole: ${(failure as Error).message}`,
    `Remove ${FLEET_FILE} from the store and start again, with an empty state or under another ?name=.`,
  );
}
