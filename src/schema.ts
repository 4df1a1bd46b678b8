/**
 * What crosses the wall between data and models: the features a model is offered, and the names, shapes and types of the
 * tensors that carry them. Data produces batches in this form, models consume it; neither imports the other.
 *
 * Feeds of one batch (B requests, I distinct items, P pairs):
 *
 * | feed                              | type    | shape        |                                                           |
 * |-----------------------------------|---------|--------------|-----------------------------------------------------------|
 * | `user.F`, `context.F`, `item.F`   | int32   | [B] or [I]   | encoding `id`: row of the vocabulary, 0 = unknown         |
 * |                                   | int32   | [·, M]       | encoding `ids`: left-aligned rows, then zeros             |
 * |                                   | float32 | [·, W]       | encoding `numbers`                                        |
 * | `user.F.length` …                 | int32   | [·]          | encoding `ids` only: how many of the M are used           |
 * | `history.H.F`                     | as above| [B, L, …]    | feature F of the L past items, oldest first, right-aligned: the newest stands at L-1 |
 * | `history.H.F.length`              | int32   | [B, L]       | encoding `ids` only                                       |
 * | `history.H.length`                | int32   | [B]          | how many of the L positions are used (the last ones)      |
 * | `history.H.lag`                   | float32 | [B, L]       | seconds between the past event and the request, 0 where padded or unknown |
 * | `pair.request`, `pair.item`       | int32   | [P]          | row among the B requests, row among the I items           |
 * | `pair.label`, `pair.weight`       | float32 | [P]          |                                                           |
 * | `pair.stage`                      | int32   | [P]          | how far the pair came: index into the dataset's stages, 0 = corpus |
 * | `pair.teacher`, `pair.taught`     | float32 | [P]          | a teacher's logit, 0 where there is none; 1 where there is one |
 * | `list.pairs`                      | int32   | [B, L]       | rows of the pair table that make up a request's list, in order, padded with 0 |
 * | `list.mask`                       | float32 | [B, L]       | 1 at real positions, 0 at padded ones                     |
 */
export type Owner = 'user' | 'item' | 'context';

interface FeatureBase {
  /** Name in the dataset description, unique within its owner. */
  name: string;
  owner: Owner;
}

/** One row of a vocabulary. */
export interface IdFeature extends FeatureBase {
  encoding: 'id';
  /** Features of one vocabulary share an embedding table of this name. */
  vocabulary: string;
  /** Rows of the vocabulary, the unknown row 0 included. */
  size: number;
}

/** Up to `maxLength` rows of a vocabulary. */
export interface IdsFeature extends FeatureBase {
  encoding: 'ids';
  vocabulary: string;
  size: number;
  maxLength: number;
}

/** A short vector of floats, already scaled. */
export interface NumbersFeature extends FeatureBase {
  encoding: 'numbers';
  width: number;
}

export type Feature = IdFeature | IdsFeature | NumbersFeature;

/** The user's earlier events, each seen through some of the item features. */
export interface HistoryFeature {
  name: string;
  maxLength: number;
  /** Item features of every past event, named and encoded as in `Schema.item`. */
  features: Feature[];
}

export interface Schema {
  user: Feature[];
  context: Feature[];
  item: Feature[];
  histories: HistoryFeature[];
}

/** The arrays a feed may hold. */
export type FeedArray = Float32Array | Int32Array | Uint8Array;

/** One named tensor on the host, row-major. `bool` and `uint8` are carried by Uint8Array. */
export interface Feed {
  data: FeedArray;
  shape: number[];
}

/** Named feeds of one batch. */
export type Feeds = Record<string, Feed>;

/** Feeds of a batch that are made only where the graph reads them. */
export const LIST_FEEDS = {
  stage: 'pair.stage',
  teacher: 'pair.teacher',
  taught: 'pair.taught',
  pairs: 'list.pairs',
  mask: 'list.mask',
} as const;
