import type { SplitOptions } from './split-options.js';
import type { LoadContext } from './tables.js';

export interface LoadOptions {
  /** Data folder instead of the description's own. */
  root?: string;
  /** Where the parts are cut instead of where the description says. */
  split?: SplitOptions;
  /** Bad rows that are skipped and counted before a load fails; default 0. */
  maxBadRows?: number;
  /** Where downloads are kept: see `download`. */
  cache?: string;
  /** Where objects fetched from buckets are kept; default: `objects` in `cache`. */
  objects?: string;
  onProgress?: (progress: LoadProgress) => void;
  /** Memory DuckDB may use before it goes to the disk; default 512MB. */
  memoryLimit?: string;
  /** Now, in seconds since 1970: events more than a day later are refused. */
  now?: number;
  /** Called once the tables `users` and `items` are staged in the load's database, in the order of the rows they will have. */
  onStaged?: (staged: LoadContext) => Promise<void>;
}

export interface LoadProgress {
  /** Such as `reading events`. */
  stage: string;
  done?: number;
  total?: number;
}
