import { TwoTowerError } from '../../errors.js';
import { openLink, type RedisLink } from './redis-link.js';
import type { RedisAddress } from './redis-url.js';
import { risksOf } from './server-info.js';
import { type LogLimits, SharedLog } from './shared-log.js';

/** Two connections to one state: one for reading and writing, and one that waits for what comes. */
export interface RedisLinks {
  log: SharedLog;
  tail: SharedLog;
  /** What of the server's settings endangers what is stored. */
  warnings: string[];
  /** Calls under way fail. */
  close(): void;
}

/** @throws USAGE, SERVING_STATE */
export async function openLinks(address: RedisAddress, limits: LogLimits): Promise<RedisLinks> {
  const open: RedisLink[] = [];
  const close = () => {
    for (const link of open) link.close();
  };
  try {
    for (let i = 0; i < 2; i++) open.push(await openLink(address, `{${address.options.name}}`));
    const [log, tail] = open.map((link) => new SharedLog(link, address.options.name, limits)) as [SharedLog, SharedLog];
    // Not every user may ask.
    const info = await open[0]!.send(['INFO']).catch(() => '');
    const { refused, warnings } = risksOf(String(info));
    if (refused !== undefined) {
      const remedy = 'Set maxmemory-policy to noeviction or one of volatile-*.';
      throw new TwoTowerError('SERVING_STATE', `${address.shown}: ${refused}`, remedy);
    }
    return { log, tail, warnings, close };
  } catch (error) {
    close();
    throw error;
  }
}
