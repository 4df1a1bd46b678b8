import { TwoTowerError } from '../errors.js';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import { type BatchShare, longestList, type Rank, shareBatch, shareOf } from './batch-share.js';
import type { Dataset } from './dataset.js';
import { Distinct } from './distinct.js';
import { FeedBuffers, gatherFeatures, IdDropout } from './feeds.js';
import { gatherHistory } from './histories.js';
import { listFeeds } from './list-feeds.js';
import { columnsOfEvents, columnsOfSamples, type PairColumns } from './pair-columns.js';
import { indexRequests, type RequestIndex } from './requests.js';
import { listCount, rowsOfLists, type SampleTable } from './samples.js';
import { appearanceLogQ, type ItemSampler } from './sampling.js';
import { type TeacherVectors, vectorFeeds } from './teacher-vectors.js';

/** The three tables of one batch: B requests, I items, P pairs. Feeds as in `schema.ts`. */
export interface Batch {
  dims: { B: number; I: number; P: number };
  feeds: Feeds;
  /** Event row that speaks for the request of each pair, [P]; without lists the pair's own. */
  events: Uint32Array;
  /** Row in the user table of each request, [B]. */
  users: Int32Array;
  /** Row in the item table of each item, [I]. */
  items: Int32Array;
  /** Which part of the whole batch this is, where it is shared out; `pair.item` then counts the items of all. */
  share?: BatchShare;
}

export interface BatchOptions {
  /** Feedback column that becomes `pair.label`; the data set's label unless given. Not with `samples`, which have labels. */
  label?: string;
  /** Feedback column that becomes `pair.weight`; ones unless given. Not with `samples`. */
  weight?: string;
  /** Batches are made of lists of these samples instead of events; each list is one request. */
  samples?: SampleTable;
  /** A teacher's logit for every event, NaN where there is none; samples bring their own. */
  teacher?: Float32Array;
  /** Vectors of a teacher for the batch's items and requests. */
  vectors?: TeacherVectors | undefined;
  /** Which of `LIST_FEEDS` to make; none unless given. */
  reads?: ReadonlySet<string>;
  /**
   * One request row and one item row per pair, as batch norm over samples needs, instead of each distinct one once. The lists
   * of `samples` stay one request each.
   */
  itemPerPair?: boolean;
  /** Share of vocabulary lookups replaced by the unknown row, 0 to 1. Off unless given; for training only. */
  idDropout?: number;
  /** Give every batch memory of its own, which may be handed to another thread, instead of using buffers again. */
  ownMemory?: boolean;
  /** Names the streams of dropout and sampling, together with the step. */
  seed?: number;
  /** Item rows drawn once per batch and appended to its items, for all requests. Needs no pair: the loss sees the table. */
  negatives?: { sampler: ItemSampler; perBatch: number };
  /**
   * Training events per item row (`countItems`), or with `samples` the lists that hold it. When given, `item.logq` [I] is fed:
   * see `appearanceLogQ`.
   */
  itemCounts?: Uint32Array;
  /** Assemble only what this rank has of the batch: the same as in the whole batch, also in what is random. */
  rank?: Rank | undefined;
}

/** Requests that need not be in the log: who asks, when, and from which event the context is taken. */
export interface RequestRows {
  /** Rows in the user table, [B]. */
  users: ArrayLike<number>;
  /** Seconds since 1970, [B]: histories end strictly before. */
  times: ArrayLike<number>;
  /** Event rows whose context columns are taken, [B]; unknown context (zeros) unless given. */
  contexts?: ArrayLike<number>;
}

/** The user, context and history feeds of any requests. */
export function requestFeeds(
  dataset: Dataset,
  requests: RequestRows,
  buffers = new FeedBuffers(),
  dropout?: IdDropout,
): Feeds {
  const feeds: Feeds = {};
  const { schema, users, events, histories, items } = dataset;
  const count = requests.users.length;
  gatherFeatures(feeds, 'user', schema.user, users, requests.users, count, buffers, dropout);
  gatherFeatures(feeds, 'context', schema.context, events.context, requests.contexts, count, buffers, dropout);
  for (const history of schema.histories) {
    const log = histories.find(({ name }) => name === history.name);
    if (log === undefined) throw new TwoTowerError('DATA_COLUMN', `there is no log of history "${history.name}"`);
    gatherHistory(feeds, history, log, items, requests.users, requests.times, count, buffers, dropout);
  }
  return feeds;
}

/** The item feeds of any rows of the item table. */
export function itemFeeds(
  dataset: Dataset,
  itemRows: ArrayLike<number>,
  buffers = new FeedBuffers(),
  dropout?: IdDropout,
): Feeds {
  const feeds: Feeds = {};
  gatherFeatures(feeds, 'item', dataset.schema.item, dataset.items, itemRows, itemRows.length, buffers, dropout);
  return feeds;
}

/** One batch of event rows (or of lists, where the options have samples), in memory of its own. For many batches use a `BatchAssembler`, which reuses its buffers. */
export function assembleBatch(dataset: Dataset, rows: Uint32Array, options: BatchOptions = {}, step = 0): Batch {
  return new BatchAssembler(dataset, options).assemble(rows, step);
}

/**
 * Assembles batch after batch. Unless it has memory of its own, a batch's arrays are valid until the second `assemble` after
 * it: one batch may be in use while the next is prepared. What is random follows from the options' seed and the step alone,
 * not from earlier calls.
 */
export class BatchAssembler {
  private readonly requests: RequestIndex;
  private readonly pairs: PairColumns;
  private readonly sets = [new FeedBuffers(), new FeedBuffers()] as const;
  private turn: 0 | 1 = 0;
  private readonly distinctRequests = new Distinct();
  private readonly distinctItems = new Distinct();
  private readonly logQs = new Map<number, (item: number) => number>();

  constructor(
    private readonly dataset: Dataset,
    private readonly options: BatchOptions = {},
  ) {
    this.pairs = options.samples === undefined ? columnsOfEvents(dataset, options) : columnsOfSamples(options.samples);
    this.requests = requestIndexOf(dataset);
  }

  /**
   * @param drawn event rows, one per pair; with `samples`, numbers of lists.
   * @param step names the random streams of this batch.
   */
  assemble(drawn: Uint32Array, step: number): Batch {
    const { dataset, options, pairs } = this;
    const { events } = dataset;
    const all = options.samples === undefined ? drawn : rowsOfLists(options.samples, drawn);
    const buffers = options.ownMemory ? new FeedBuffers() : this.sets[this.turn];
    this.turn = this.turn === 0 ? 1 : 0;
    const seed = options.seed ?? 0;
    const dropout = options.idDropout
      ? new IdDropout(options.idDropout, Random.of(seed, 'id-dropout', step))
      : undefined;

    const allRequest = buffers.int32('pair.request', all.length);
    const allItem = buffers.int32('pair.item', all.length);
    const allRequests =
      options.samples === undefined
        ? this.numberRequests(all, allRequest, buffers)
        : numberLists(options.samples, drawn, allRequest);
    const allItems = this.numberItems(all, allItem, buffers, step);
    const numbered = {
      rows: all,
      pairRequest: allRequest,
      pairItem: allItem,
      requestEvents: allRequests,
      items: allItems,
    };
    const share = options.rank && shareBatch(options.rank, allRequests.length, allItems.length, allRequest);
    const { rows, pairRequest, pairItem, requestEvents, items } = share ? shareOf(numbered, share) : numbered;
    const P = rows.length;
    const speakers = pairs.event === undefined ? rows : rows.map((row) => pairs.event![row]!);
    const B = requestEvents.length;

    const users = buffers.int32('users', B);
    const times = new Float64Array(B);
    for (let b = 0; b < B; b++) {
      users[b] = events.user[requestEvents[b]!]!;
      times[b] = events.time[this.requests.first(requestEvents[b]!)]!;
    }
    if (share) amongAll(dropout, share.B);
    const feeds = requestFeeds(dataset, { users, times, contexts: requestEvents }, buffers, dropout);
    if (share) amongAll(dropout, share.I);
    Object.assign(feeds, itemFeeds(dataset, items, buffers, dropout));
    if (options.vectors !== undefined) {
      vectorFeeds(feeds, options.vectors, { item: items, user: requestEvents }, buffers);
    }

    const label = buffers.float32('pair.label', P);
    const weight = buffers.float32('pair.weight', P);
    for (let p = 0; p < P; p++) label[p] = pairs.label[rows[p]!]!;
    if (pairs.weight === undefined) weight.fill(1);
    else for (let p = 0; p < P; p++) weight[p] = pairs.weight[rows[p]!]!;
    feeds['pair.request'] = { data: pairRequest, shape: [P] };
    feeds['pair.item'] = { data: pairItem, shape: [P] };
    feeds['pair.label'] = { data: label, shape: [P] };
    feeds['pair.weight'] = { data: weight, shape: [P] };
    if (options.reads !== undefined) {
      const longest = share && longestList(allRequest, allRequests.length);
      listFeeds(feeds, options.reads, { pairs, rows, request: pairRequest, B, longest }, buffers);
    }
    if (options.itemCounts !== undefined) {
      const logQ = this.logQOf(drawn.length, options.itemCounts);
      const data = buffers.float32('item.logq', items.length);
      for (let i = 0; i < items.length; i++) data[i] = logQ(items[i]!);
      feeds['item.logq'] = { data, shape: [items.length] };
    }
    return { dims: { B, I: items.length, P }, feeds, events: speakers, users, items, ...(share && { share }) };
  }

  /** Gives each pair its request and returns one event per request, which stands for its user and context. */
  private numberRequests(rows: Uint32Array, pairRequest: Int32Array, buffers: FeedBuffers): Int32Array {
    const { distinctRequests, requests } = this;
    const speakers = buffers.int32('request.events', rows.length);
    if (this.options.itemPerPair) {
      for (let p = 0; p < rows.length; p++) pairRequest[p] = p;
      speakers.set(rows);
      return speakers;
    }
    distinctRequests.clear();
    for (let p = 0; p < rows.length; p++) {
      const known = distinctRequests.count;
      const request = distinctRequests.add(requests.key(rows[p]!));
      pairRequest[p] = request;
      if (request === known) speakers[request] = rows[p]!;
    }
    return speakers.subarray(0, distinctRequests.count);
  }

  /** Gives each pair its item and returns the item rows of the batch, sampled negatives last. */
  private numberItems(rows: Uint32Array, pairItem: Int32Array, buffers: FeedBuffers, step: number): Int32Array {
    const { distinctItems, options } = this;
    const pairItems = this.pairs.item;
    const random = Random.of(options.seed ?? 0, 'negatives', step);
    const draws = options.negatives?.perBatch ?? 0;
    const draw = () => options.negatives?.sampler.draw(random) ?? 0;
    const items = buffers.int32('items', rows.length + draws);
    if (options.itemPerPair) {
      for (let p = 0; p < rows.length; p++) {
        pairItem[p] = p;
        items[p] = pairItems[rows[p]!]!;
      }
      for (let n = 0; n < draws; n++) items[rows.length + n] = draw();
      return items;
    }
    distinctItems.clear();
    for (let p = 0; p < rows.length; p++) pairItem[p] = distinctItems.add(pairItems[rows[p]!]!);
    for (let n = 0; n < draws; n++) distinctItems.add(draw());
    items.set(distinctItems.keys());
    return items.subarray(0, distinctItems.count);
  }

  /** Batches are of one size but for an epoch's last, so few of these are ever made. */
  private logQOf(drawn: number, counts: Uint32Array): (item: number) => number {
    let logQ = this.logQs.get(drawn);
    if (logQ === undefined) {
      const { negatives, itemPerPair, samples } = this.options;
      logQ = appearanceLogQ({
        counts,
        pairs: drawn,
        repeated: itemPerPair ?? false,
        ...(samples && { of: listCount(samples) }),
        ...(negatives && { negatives }),
      });
      this.logQs.set(drawn, logQ);
    }
    return logQ;
  }
}

function amongAll(dropout: IdDropout | undefined, { own, total }: BatchShare['B' | 'I']): void {
  // Where a rank has none, it does not matter where between the others they would have been.
  const before = own[0] ?? 0;
  dropout?.among(before, total - before - own.length);
}

const indexes = new WeakMap<Dataset, RequestIndex>();

function requestIndexOf(dataset: Dataset): RequestIndex {
  let index = indexes.get(dataset);
  if (index === undefined) {
    index = indexRequests(dataset);
    indexes.set(dataset, index);
  }
  return index;
}

/** Every list is one request; its first row speaks for it. */
function numberLists({ event, offsets }: SampleTable, lists: Uint32Array, pairRequest: Int32Array): Int32Array {
  const speakers = new Int32Array(lists.length);
  let p = 0;
  lists.forEach((list, b) => {
    speakers[b] = event[offsets[list]!]!;
    for (let row = offsets[list]!; row < offsets[list + 1]!; row++) pairRequest[p++] = b;
  });
  return speakers;
}
