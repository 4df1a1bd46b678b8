import { itemFeeds, requestFeeds } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import type { Run } from '../runs/open.js';
import { concatStates, type HostState, sliceState } from '../training/inference.js';
import { rowsByKey } from './align.js';
import { buildIndex, type IndexOptions } from './index/build.js';
import type { RetrievalIndex } from './index/retrieval-index.js';

/** Rows that go through the item part at once. */
const ITEM_BLOCK = 4096;
/** Candidates that are scored at once: enough to fill the cores, little enough to fit in memory. */
const PAIR_BLOCK = 8192;

/**
 * A run at its place in a cascade. Items and events are rows of the cascade's dataset everywhere outside; the run looks them
 * up by key in its own.
 */
export class Phase {
  private built: Promise<RetrievalIndex> | undefined;

  private constructor(
    readonly run: Run,
    /** The run's own. */
    private readonly dataset: Dataset,
    /** States of all items of the cascade, in its order. */
    readonly items: HostState,
    private readonly indexOptions: IndexOptions,
  ) {}

  /**
   * @param own the run's dataset, with the same events as the cascade's
   * @param index how it searches, if it is asked to retrieve
   */
  static async create(run: Run, own: Dataset, cascade: Dataset, index: IndexOptions = {}): Promise<Phase> {
    const rows = rowsByKey(cascade.items, own.items);
    const blocks: HostState[] = [];
    for (let from = 0; from < rows.length; from += ITEM_BLOCK) {
      blocks.push(await run.inference.items(itemFeeds(own, rows.subarray(from, from + ITEM_BLOCK))));
    }
    return new Phase(run, own, concatStates(blocks), index);
  }

  get folder(): string {
    return this.run.folder;
  }

  /** The index over all items but the unknown one, built when it is first asked for. */
  index(): Promise<RetrievalIndex> {
    const { data, shape } = this.items[`item.${this.run.model.retrieval!.item}`]!;
    const present = new Uint8Array(shape[0]!).fill(1);
    present[0] = 0;
    this.built ??= buildIndex({ data: data as Float32Array, shape }, this.indexOptions, { present });
    return this.built;
  }

  async release(): Promise<void> {
    await (await this.built)?.release();
    await this.run.release();
  }

  /** Whether the run orders whole lists rather than scoring candidates one by one. */
  get listwise(): boolean {
    return this.run.model.rerank !== undefined;
  }

  /** States of requests as of their event: [B]. */
  users(events: Uint32Array): Promise<HostState> {
    const { user, time } = this.dataset.events;
    return this.run.inference.users(
      requestFeeds(this.dataset, {
        users: Int32Array.from(events, (event) => user[event]!),
        times: Float64Array.from(events, (event) => time[event]!),
        contexts: events,
      }),
    );
  }

  /** Logits of each request's candidates, one by one. @param lists item rows, [B · n] */
  async score(users: HostState, lists: Int32Array): Promise<Float32Array> {
    const n = lists.length / requestsIn(users);
    const logits = new Float32Array(lists.length);
    for (let from = 0; from < lists.length; from += PAIR_BLOCK) {
      const items = lists.slice(from, from + PAIR_BLOCK);
      const request = Int32Array.from(items, (_, i) => Math.floor((from + i) / n));
      logits.set(await this.run.inference.pairs(users, this.items, request, items), from);
    }
    return logits;
  }

  /**
   * Logits of each request's candidates by the model's re-ranking part, which sees the whole list and the scores of the run.
   * @param lists item rows, [B · n]
   */
  async rerank(users: HostState, lists: Int32Array): Promise<Float32Array> {
    const scores = await this.score(users, lists);
    const requests = requestsIn(users);
    const n = lists.length / requests;
    const atOnce = Math.max(1, Math.floor(PAIR_BLOCK / Math.max(1, n)));
    const logits = new Float32Array(lists.length);
    for (let from = 0; from < requests; from += atOnce) {
      const to = Math.min(from + atOnce, requests);
      const part = { items: lists.slice(from * n, to * n), scores: scores.slice(from * n, to * n) };
      logits.set(await this.run.inference.rerank(sliceState(users, from, to), this.items, part), from * n);
    }
    return logits;
  }

  /** As a ranker orders: `rerank` where the model has it, else `score`. */
  order(users: HostState, lists: Int32Array): Promise<Float32Array> {
    return this.listwise ? this.rerank(users, lists) : this.score(users, lists);
  }
}

function requestsIn(users: HostState): number {
  return Object.values(users)[0]?.shape[0] ?? 0;
}
