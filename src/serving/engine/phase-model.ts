import { join } from 'node:path';
import type { RetrievalIndex } from '../../cascade/index/retrieval-index.js';
import type { RowCodes } from '../../cascade/index/row-codes.js';
import type { Feeds } from '../../schema.js';
import { openKernel } from '../kernel/open-kernel.js';
import type { ScoreKernel } from '../kernel/score-kernel.js';
import type { PhaseManifest } from '../manifest.js';
import { VERSION_FILES } from '../version-files.js';
import { CostEstimate } from './cost-estimate.js';
import { ExactSearch } from './exact-search.js';
import { StateGatherer } from './gather.js';
import { productsOf } from './inner-products.js';
import {
  isSearchedExactly,
  readBy,
  type SharedStates,
  scoresByProduct,
  vectorAt,
  vectorsOf,
  writeRows,
} from './item-states.js';
import type { RowFilter } from './living-rows.js';
import type { PhaseRecipe } from './messages.js';
import { OnnxPart } from './onnx-part.js';

/** Candidates that go through the score part at once. */
const BLOCK = 4096;
/** The row that every catalogue has. */
const UNKNOWN = Int32Array.of(0);
/** Where a user's state says what is added to all products of a request. */
const CONSTANT = 'score.constant';

/** The model of one phase as one thread runs it: its sessions, and the states of all items. */
export class PhaseModel {
  readonly estimate = new CostEstimate();
  private readonly gatherer = new StateGatherer();
  /** Item states that the parts read. */
  private readonly scored: string[];
  private readonly reranks: string[];
  /** Whether the score part is the inner product of two states, and something that is the same for all items of a request. */
  private readonly isProduct: boolean;
  private item: Promise<OnnxPart> | undefined;
  /** Where the version brought no index. */
  private exact: ExactSearch | undefined;

  private constructor(
    readonly manifest: PhaseManifest,
    private readonly folder: string,
    public states: SharedStates,
    private readonly threads: number,
    private readonly parts: {
      /** Absent where states of users are given. */
      user?: OnnxPart;
      /** Absent where products are all there is to do besides. */
      score: OnnxPart | undefined;
      /** The same, where it can be one function. */
      kernel: ScoreKernel | undefined;
      rerank?: OnnxPart | undefined;
    },
    /** Over the item vectors, where the version brought one. */
    readonly index?: RetrievalIndex | undefined,
  ) {
    const { score, rerank } = manifest.parts;
    this.scored = readBy(score, states);
    this.reranks = rerank === undefined ? [] : readBy(rerank, states);
    this.isProduct = scoresByProduct(manifest, states);
  }

  static async load(
    { manifest, folder, states, score: compiled }: PhaseRecipe,
    threads: number,
    onlyScores: boolean,
  ): Promise<PhaseModel> {
    const { user, score, rerank } = manifest.parts;
    const load = (part: typeof user) => OnnxPart.load(folder, part, threads);
    // A session that is never run would hold up the thread that requests are asked on.
    if (onlyScores && scoresByProduct(manifest, states)) {
      return new PhaseModel(manifest, folder, states, threads, { score: undefined, kernel: undefined });
    }
    const session = await load(score);
    const kernel = compiled && (await openKernel(compiled, score, states, session));
    if (onlyScores) return new PhaseModel(manifest, folder, states, threads, { score: session, kernel });
    return new PhaseModel(
      manifest,
      folder,
      states,
      threads,
      { user: await load(user), score: session, kernel, rerank: rerank && (await load(rerank)) },
      manifest.index && (await openIndex(join(folder, VERSION_FILES.index), threads)),
    );
  }

  /**
   * User feeds of one request → its states. Where the score is an inner product and a constant of the request, with that constant: it is
   * what the score part adds to one product, always the same.
   */
  async userState(feeds: Feeds): Promise<Feeds> {
    const state = await this.parts.user!.run(feeds);
    if (!this.isProduct) return state;
    const [product, [logit]] = [new Float32Array(1), await this.run(state, UNKNOWN, 1)];
    this.products(state, UNKNOWN, 1, 0, product);
    return { ...state, [CONSTANT]: { data: Float32Array.of(logit! - product[0]!), shape: [1] } };
  }

  /**
   * Logits of one request against rows of the catalogue, [count]; where the model re-ranks, of the list as a whole.
   *
   * @returns undefined where a logit is not a number
   */
  async scores(user: Feeds, rows: Int32Array, count: number): Promise<Float32Array | undefined> {
    const scores = this.isProduct ? this.byProducts(user, rows, count) : await this.run(user, rows, count);
    const { rerank } = this.parts;
    const logits = rerank === undefined || count === 0 ? scores : await this.reranked(rerank, user, rows, scores);
    for (let i = 0; i < count; i++) if (!Number.isFinite(logits[i])) return undefined;
    return logits;
  }

  /** Encodes items and writes them to rows of the shared states. */
  async encode(rows: Int32Array, feeds: Feeds): Promise<void> {
    // Most workers never encode an item.
    this.item ??= OnnxPart.load(this.folder, this.manifest.parts.item, this.threads);
    writeRows(this.states, rows, await (await this.item).run(feeds));
  }

  /** Takes rows out of the index and in; without one, only those that come in have to be looked at. */
  change(on: Int32Array, off: Int32Array): void {
    const { index, exact, manifest } = this;
    if (exact !== undefined) for (const row of on) exact.changed(row);
    if (index === undefined) return;
    const vectors = vectorsOf(this.states, `item.${manifest.retrieval!.item}`);
    for (const row of off) index.remove(row);
    for (const row of on.slice().sort()) {
      // The index wants every row in turn; some were taken and not used.
      while (index.rows < row) {
        index.add(index.rows, new Float32Array(vectors.width));
        index.remove(index.rows - 1);
      }
      index.add(row, vectorAt(vectors, row));
    }
  }

  /** Brings the index, which is loaded as it was published, to the items there are now; without one, makes the search that does. */
  catchUp(alive: Uint8Array, rows: number, codes?: RowCodes): void {
    const { index, manifest } = this;
    if (index === undefined) {
      if (!isSearchedExactly(manifest) || this.parts.user === undefined) return;
      const name = `item.${manifest.retrieval!.item}`;
      this.exact = new ExactSearch(() => vectorsOf(this.states, name), rows, codes);
      return;
    }
    const on: number[] = [];
    const off: number[] = [];
    for (let row = 1; row < alive.length; row++) {
      if (row >= index.rows ? alive[row] === 1 : alive[row] === 0) (row >= index.rows ? on : off).push(row);
    }
    this.change(Int32Array.from(on), Int32Array.from(off));
  }

  /** The k best of so many rows by the vectors, where there is no index; all as of `ExactSearch.search`. */
  nearest(rows: number, query: Float32Array, k: number, { allowed, refused }: RowFilter): Int32Array {
    return this.exact!.search(rows, query, k, allowed, refused);
  }

  async release(): Promise<void> {
    await this.index?.release();
    const { user, score, rerank } = this.parts;
    for (const part of [user, score, rerank, await this.item]) await part?.release();
  }

  /** The score part over rows of the catalogue. */
  private async run(user: Feeds, rows: Int32Array, count: number): Promise<Float32Array> {
    const scores = new Float32Array(count);
    const { score, kernel } = this.parts;
    if (kernel !== undefined) {
      kernel.score(user, this.states, rows, count, scores);
      return scores;
    }
    for (let from = 0; from < count; from += BLOCK) {
      const size = Math.min(BLOCK, count - from);
      const feeds: Feeds = { ...user };
      this.gatherer.gather(this.states, this.scored, rows.subarray(from, from + size), size, feeds);
      scores.set((await score!.run(feeds)).logit!.data, from);
    }
    return scores;
  }

  /** The same where products read the items where they lie. Measured, 1,000 candidates in half the time. */
  private byProducts(user: Feeds, rows: Int32Array, count: number): Float32Array {
    const scores = new Float32Array(count);
    this.products(user, rows, count, user[CONSTANT]!.data[0]!, scores);
    return scores;
  }

  private products(user: Feeds, rows: Int32Array, count: number, constant: number, into: Float32Array): void {
    const { user: asking, item } = this.manifest.retrieval!;
    const query = user[`user.${asking}`]!.data as Float32Array;
    productsOf(vectorsOf(this.states, `item.${item}`), rows, count, query, constant, into);
  }

  private async reranked(rerank: OnnxPart, user: Feeds, rows: Int32Array, scores: Float32Array): Promise<Float32Array> {
    const count = scores.length;
    const feeds: Feeds = {};
    this.gatherer.gather(this.states, this.reranks, rows, count, feeds);
    // A list of one request: a leading axis more for the items, and for the user one to broadcast over the list.
    for (const feed of Object.values(feeds)) feed.shape = [1, ...feed.shape];
    for (const [name, { data, shape }] of Object.entries(user)) feeds[name] = { data, shape: [1, ...shape] };
    feeds.scores = { data: scores, shape: [1, count] };
    feeds.mask = { data: new Uint8Array(count).fill(1), shape: [1, count] };
    return (await rerank.run(feeds)).logit!.data as Float32Array;
  }
}

/** Its code, with all that it needs, is most of what a worker would load: only where a version brings an index. */
async function openIndex(folder: string, threads: number): Promise<RetrievalIndex> {
  const { loadIndex } = await import('../../cascade/index/load.js');
  // Its checksums are in the version's manifest, too, and were compared when the version was read.
  return loadIndex(folder, { threads, verified: true });
}
