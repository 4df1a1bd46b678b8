import type { Dataset } from '../data/dataset.js';
import { concatStates, type HostState, type Inference, sliceState, takeRows } from '../training/inference.js';
import { CorpusEvaluation } from './corpus.js';
import type { EvaluationResult } from './report.js';
import { summarizeCorpus } from './summary.js';

/** Requests and items that go through a program at once: enough to fill the cores, little enough to fit in memory. */
const REQUEST_BLOCK = 256;
const ITEM_BLOCK = 65536;

/** Ranks all known items for request after request of a model that can retrieve, and where the relevant one stands. */
export class CorpusRanking {
  private readonly evaluation: CorpusEvaluation;
  private readonly keys: HostState;
  private readonly query: string;
  private readonly total: number;
  private readonly ranks: number[] = [];
  /** Requests that wait until there are enough for a pass over the items. */
  private readonly waiting: { query: HostState[]; relevant: number[] } = { query: [], relevant: [] };

  /** @param items the states of every row of the item table */
  constructor(
    private readonly inference: Inference,
    dataset: Dataset,
    items: HostState,
    ks: readonly number[],
  ) {
    const retrieval = inference.model.retrieval!;
    const key = `item.${retrieval.item}`;
    this.keys = { [key]: items[key]! };
    this.query = `user.${retrieval.user}`;
    this.total = dataset.items.count;
    // Row 0 stands for unknown items and is never recommended.
    const candidates = new Uint8Array(this.total).fill(1);
    candidates[0] = 0;
    this.evaluation = new CorpusEvaluation({ items: this.total, ks, candidates });
  }

  /**
   * @param users states of requests
   * @param asking [n] rows of these states, each a request of its own
   * @param relevant [n] the row of the item that each is to find
   */
  async add(users: HostState, asking: Int32Array, relevant: Int32Array): Promise<void> {
    const { waiting, query } = this;
    for (let from = 0; from < asking.length; ) {
      const to = Math.min(asking.length, from + REQUEST_BLOCK - waiting.relevant.length);
      waiting.query.push({ [query]: takeRows(users[query]!, asking.subarray(from, to)) });
      waiting.relevant.push(...relevant.subarray(from, to));
      from = to;
      if (waiting.relevant.length === REQUEST_BLOCK) await this.rank();
    }
  }

  /** The metrics, and where the relevant items stand in the order in which they were added; NaN where one is no candidate. */
  async end(): Promise<{ result: EvaluationResult; ranks: Float64Array }> {
    if (this.waiting.relevant.length > 0) await this.rank();
    return { result: summarizeCorpus(this.evaluation.result()), ranks: Float64Array.from(this.ranks) };
  }

  private async rank(): Promise<void> {
    const query = concatStates(this.waiting.query.splice(0));
    const open = this.waiting.relevant.splice(0).map((item) => this.evaluation.open({ relevant: [item] }));
    for (let first = 0; first < this.total; first += ITEM_BLOCK) {
      const size = Math.min(ITEM_BLOCK, this.total - first);
      const scores = await this.inference.retrieve(query, sliceState(this.keys, first, first + size));
      open.forEach((request, i) => {
        request.push(scores.subarray(i * size, (i + 1) * size));
      });
    }
    for (const request of open) this.ranks.push(request.close().ranks[0] ?? Number.NaN);
  }
}
