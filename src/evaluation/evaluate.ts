import { BatchAssembler, itemFeeds } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { concatStates, type HostState, type Inference } from '../training/inference.js';
import { CorpusRanking } from './corpus-ranking.js';
import { type EvaluationResult, mergeResults } from './report.js';
import { summarizeImpressions } from './summary.js';
import { compactUsers, type Outcomes } from './user-statistics.js';

export interface EvaluateOptions {
  /** Cut-offs of the ranking metrics over all items. */
  ks?: readonly number[];
  /**
   * `impressions`: nothing but the metrics of what was shown. `corpus`: nothing but the ranks of positive events among all items,
   * which only a model that can retrieve has. Both unless given.
   */
  only?: 'impressions' | 'corpus';
  /** Told the share done, 0 to 1. */
  onProgress?: (done: number) => void;
  /** Given what the metrics were computed from, sample by sample; not with `corpus` alone. */
  onOutcomes?: (outcomes: Outcomes) => void;
}

export interface ScoreOptions {
  /** Told the share done, 0 to 1. */
  onProgress?: (done: number) => void;
  /** A ranking of all items to which the positive ones among the rows are added; labels in the order of the rows. */
  ranked?: { ranking: CorpusRanking; labels: Float32Array };
}

/**
 * Items and events that go through a program at once: enough to fill the cores, little enough to fit in memory and to tell how far
 * it is.
 */
const ITEM_BLOCK = 4096;
const EVENT_BLOCK = 1024;

/**
 * All metrics of a part of the log. Impressions: every exposure of the part scored for its own request. Corpus: each
 * positive exposure is one request, at its own time and in its own context, for which all known items are ranked, and the
 * item that was shown is the relevant one.
 */
export async function evaluate(
  inference: Inference,
  dataset: Dataset,
  rows: Uint32Array,
  { ks = [20, 100], only, onProgress = () => {}, onOutcomes = () => {} }: EvaluateOptions = {},
): Promise<EvaluationResult> {
  const labels = labelsOf(dataset, rows);
  const retrieves = inference.model.retrieval !== undefined;
  if (only === 'corpus' && !retrieves) return unranked(ks);
  const items = await allItemStates(inference, dataset);
  const ranking = only !== 'impressions' && retrieves ? new CorpusRanking(inference, dataset, items, ks) : undefined;
  if (only === 'corpus') {
    const positives = rows.filter((_, i) => labels[i]! > 0);
    for (const { feeds, request, item, done } of blocksOf(dataset, positives)) {
      await ranking!.add(await inference.users(feeds), request, item);
      onProgress(done);
    }
    return (await ranking!.end()).result;
  }
  const logits = await scoreEvents(inference, dataset, rows, items, {
    onProgress,
    ...(ranking && { ranked: { ranking, labels } }),
  });
  const users = Int32Array.from(rows, (row) => dataset.events.user[row]!);
  const impressions = summarizeImpressions(logits, labels, users);
  const ranked = await ranking?.end();
  onOutcomes({ logits, labels, ...compactUsers(users), ...(ranked && { ranks: ranked.ranks }) });
  if (only === 'impressions') return impressions;
  return mergeResults(impressions, ranked?.result ?? unranked(ks));
}

/** Labels of event rows, in their order. */
export function labelsOf(dataset: Dataset, rows: Uint32Array): Float32Array {
  const column = dataset.events.feedback.get(dataset.label)!;
  return Float32Array.from(rows, (row) => column[row]!);
}

/** The states of every row of the item table. */
export async function allItemStates(inference: Inference, dataset: Dataset): Promise<HostState> {
  const blocks: HostState[] = [];
  for (let from = 0; from < dataset.items.count; from += ITEM_BLOCK) {
    const size = Math.min(ITEM_BLOCK, dataset.items.count - from);
    blocks.push(
      await inference.items(
        itemFeeds(
          dataset,
          Int32Array.from({ length: size }, (_, i) => from + i),
        ),
      ),
    );
  }
  return concatStates(blocks);
}

/** Logits of event rows, each in its own request, in their order. */
export async function scoreEvents(
  inference: Inference,
  dataset: Dataset,
  rows: Uint32Array,
  items: HostState,
  { onProgress = () => {}, ranked }: ScoreOptions = {},
): Promise<Float32Array> {
  const logits = new Float32Array(rows.length);
  let from = 0;
  for (const { feeds, request, item, done } of blocksOf(dataset, rows)) {
    const states = ranked && (await inference.users(feeds));
    if (states === undefined) logits.set(await inference.askedPairs(feeds, items, request, item), from);
    else {
      logits.set(await inference.pairs(states, items, request, item), from);
      const positive = (_: number, i: number) => ranked!.labels[from + i]! > 0;
      await ranked!.ranking.add(states, request.filter(positive), item.filter(positive));
    }
    from += item.length;
    onProgress(done);
  }
  return logits;
}

/** Event rows block by block: the feeds of their requests, and for each row its request and its item. */
function* blocksOf(dataset: Dataset, rows: Uint32Array) {
  const assembler = new BatchAssembler(dataset);
  for (let from = 0; from < rows.length; from += EVENT_BLOCK) {
    const { feeds, events } = assembler.assemble(rows.subarray(from, from + EVENT_BLOCK), 0);
    yield {
      feeds,
      request: feeds['pair.request']!.data as Int32Array,
      item: Int32Array.from(events, (row) => dataset.events.item[row]!),
      done: (from + events.length) / rows.length,
    };
  }
}

function unranked(ks: readonly number[]): EvaluationResult {
  const note = 'the model scores candidates one by one and cannot retrieve';
  const names = ['recall', 'ndcg', 'mrr', 'hitRate', 'precision'];
  const metrics = Object.fromEntries(
    names.flatMap((name) => ks.map((k) => [`${name}@${k}`, { value: undefined, note }])),
  );
  return { metrics, counts: {} };
}
