import { join } from 'node:path';
import { z } from 'zod';

/** How a log that does not fit into memory is read. */
export const streamOptions = z.strictObject({
  window: z
    .int()
    .min(1)
    .default(5_000_000)
    .describe('events held at a time, about: the users are dealt out to as many windows as that takes'),
  cache: z
    .string()
    .min(1)
    .optional()
    .describe(
      'folder for the prepared windows and what is fetched from a bucket; default: windows and objects in ~/.cache/twotower, or below $XDG_CACHE_HOME',
    ),
});
export type StreamOptions = z.output<typeof streamOptions>;

/** Where objects fetched from buckets are kept for a log with these options: a disk that holds the windows has room for them. */
export function objectsBeside(stream: Pick<StreamOptions, 'cache'> | undefined): { objects?: string } {
  return stream?.cache === undefined ? {} : { objects: join(stream.cache, 'objects') };
}
