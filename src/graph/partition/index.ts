export { type Partitioned, type PartitionOptions, partition } from './partition.js';
export { RANK_FEEDS, sharedIn, toOwners, whole, wholeName } from './placement.js';
export { cutAtExchanges, type Exchange, type Segment, type Segments } from './segments.js';
