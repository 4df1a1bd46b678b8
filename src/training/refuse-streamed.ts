import { TwoTowerError } from '../errors.js';

/**
 * Refuses what is drawn for, or scored on, the whole log before training begins.
 *
 * @param asked values of the keys of `training`, undefined where they are not used
 * @throws CONFIG_INVALID
 */
export function refuseStreamed(asked: { lists?: unknown; teacher?: unknown }): void {
  for (const key of ['lists', 'teacher'] as const) {
    if (asked[key] === undefined) continue;
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `training.${key} needs the whole log in memory, and data.stream holds one window of it`,
      `Leave out training.${key}, or data.stream.`,
    );
  }
}
