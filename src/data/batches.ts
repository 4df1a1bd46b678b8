import { didYouMean, TwoTowerError } from '../errors.js';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import type { Dataset } from './dataset.js';
import { Distinct } from './distinct.js';
import { FeedBuffers, gatherFeatures, IdDropout } from './feeds.js';
import { gatherHistory } from './histories.js';
import { indexRequests, type RequestIndex } from './requests.js';
import { appearanceLogQ, type ItemSampler } from './sampling.js';

/** The three tables of one batch: B requests, I items, P pairs. Feeds as in `schema.ts`. */
export interface Batch {
  dims: { B: number; I: number; P: number };
  feeds: Feeds;
  /** Event row of each pair, [P]. */
  events: Uint32Array;
  /** Row in the user table of each request, [B]. */
  users: Int32Array;
  /** Row in the item table of each item, [I]. */
  items: Int32Array;
}

export interface BatchOptions {
  /** Feedback column that becomes `pair.label`; the data set's label unless given. */
  label?: string;
  /** Feedback column that becomes `pair.weight`; ones unless given. */
  weight?: string;
  /** One request row and one item row per pair, as batch norm over samples needs, instead of each distinct one once. */
  itemPerPair?: boolean;
  /** Share of vocabulary lookups replaced by the unknown row, 0 to 1. Off unless given; for training only. */
  idDropout?: number;
  /** Give every batch memory of its own, which may be handed to another thread, instead of using buffers again. */
  ownMemory?: boolean;
  /** Names the streams of dropout and sampling, together with the step. */
  seed?: number;
  /** Item rows drawn once per batch and appended to its items, for all requests. Needs no pair: the loss sees the table. */
  negatives?: { sampler: ItemSampler; perBatch: number };
  /** Training events per item row (`countItems`). When given, `item.logq` [I] is fed: see `appearanceLogQ`. */
  itemCounts?: Uint32Array;
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

/** One batch of event rows, in memory of its own. For many batches use a `BatchAssembler`, which reuses its buffers. */
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
  private readonly label: Float32Array;
  private readonly weight: Float32Array | undefined;
  private readonly sets = [new FeedBuffers(), new FeedBuffers()] as const;
  private turn: 0 | 1 = 0;
  private readonly distinctRequests = new Distinct();
  private readonly distinctItems = new Distinct();
  private readonly logQs = new Map<number, (item: number) => number>();

  constructor(
    private readonly dataset: Dataset,
    private readonly options: BatchOptions = {},
  ) {
    this.label = feedbackColumn(dataset, options.label ?? dataset.label);
    this.weight = options.weight === undefined ? undefined : feedbackColumn(dataset, options.weight);
    this.requests = requestIndexOf(dataset);
  }

  /**
   * @param rows event rows, one per pair, [P].
   * @param step names the random streams of this batch.
   */
  assemble(rows: Uint32Array, step: number): Batch {
    const { dataset, options } = this;
    const { events } = dataset;
    const P = rows.length;
    const buffers = options.ownMemory ? new FeedBuffers() : this.sets[this.turn];
    this.turn = this.turn === 0 ? 1 : 0;
    const seed = options.seed ?? 0;
    const dropout = options.idDropout
      ? new IdDropout(options.idDropout, Random.of(seed, 'id-dropout', step))
      : undefined;

    const pairRequest = buffers.int32('pair.request', P);
    const pairItem = buffers.int32('pair.item', P);
    const requestEvents = this.numberRequests(rows, pairRequest, buffers);
    const items = this.numberItems(rows, pairItem, buffers, step);
    const B = requestEvents.length;

    const users = buffers.int32('users', B);
    const times = new Float64Array(B);
    for (let b = 0; b < B; b++) {
      users[b] = events.user[requestEvents[b]!]!;
      times[b] = events.time[this.requests.first(requestEvents[b]!)]!;
    }
    const feeds = requestFeeds(dataset, { users, times, contexts: requestEvents }, buffers, dropout);
    Object.assign(feeds, itemFeeds(dataset, items, buffers, dropout));

    const label = buffers.float32('pair.label', P);
    const weight = buffers.float32('pair.weight', P);
    for (let p = 0; p < P; p++) label[p] = this.label[rows[p]!]!;
    if (this.weight === undefined) weight.fill(1);
    else for (let p = 0; p < P; p++) weight[p] = this.weight[rows[p]!]!;
    feeds['pair.request'] = { data: pairRequest, shape: [P] };
    feeds['pair.item'] = { data: pairItem, shape: [P] };
    feeds['pair.label'] = { data: label, shape: [P] };
    feeds['pair.weight'] = { data: weight, shape: [P] };
    if (options.itemCounts !== undefined) {
      const logQ = this.logQOf(P, options.itemCounts);
      const data = buffers.float32('item.logq', items.length);
      for (let i = 0; i < items.length; i++) data[i] = logQ(items[i]!);
      feeds['item.logq'] = { data, shape: [items.length] };
    }
    return { dims: { B, I: items.length, P }, feeds, events: rows, users, items };
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
    const eventItem = this.dataset.events.item;
    const random = Random.of(options.seed ?? 0, 'negatives', step);
    const draws = options.negatives?.perBatch ?? 0;
    const draw = () => options.negatives?.sampler.draw(random) ?? 0;
    const items = buffers.int32('items', rows.length + draws);
    if (options.itemPerPair) {
      for (let p = 0; p < rows.length; p++) {
        pairItem[p] = p;
        items[p] = eventItem[rows[p]!]!;
      }
      for (let n = 0; n < draws; n++) items[rows.length + n] = draw();
      return items;
    }
    distinctItems.clear();
    for (let p = 0; p < rows.length; p++) pairItem[p] = distinctItems.add(eventItem[rows[p]!]!);
    for (let n = 0; n < draws; n++) distinctItems.add(draw());
    items.set(distinctItems.keys());
    return items.subarray(0, distinctItems.count);
  }

  /** Batches are of one size but for an epoch's last, so few of these are ever made. */
  private logQOf(pairs: number, counts: Uint32Array): (item: number) => number {
    let logQ = this.logQs.get(pairs);
    if (logQ === undefined) {
      const { negatives, itemPerPair } = this.options;
      logQ = appearanceLogQ({ counts, pairs, repeated: itemPerPair ?? false, ...(negatives ? { negatives } : {}) });
      this.logQs.set(pairs, logQ);
    }
    return logQ;
  }
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

function feedbackColumn(dataset: Dataset, name: string): Float32Array {
  const column = dataset.events.feedback.get(name);
  if (column === undefined) {
    const known = dataset.events.feedback.keys();
    throw new TwoTowerError('DATA_COLUMN', `"${name}" is not a feedback column`, didYouMean(name, known));
  }
  return column;
}
