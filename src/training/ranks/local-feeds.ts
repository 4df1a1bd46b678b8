import { LIST_FEEDS } from '../../schema.js';

/** The feeds that number a rank's own rows: pairs lie where their request does. */
export const LOCAL_FEEDS = { request: 'pair.request', pairs: LIST_FEEDS.pairs } as const;
