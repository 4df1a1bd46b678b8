import { BatchAssembler, itemFeeds } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { concatStates, type HostState, type Inference, sliceState } from '../training/inference.js';
import { CorpusEvaluation } from './corpus.js';
import { type EvaluationResult, mergeResults } from './report.js';
import { summarizeCorpus, summarizeImpressions } from './summary.js';
import { compactUsers, type Outcomes } from './user-statistics.js';

export interface EvaluateOptions {
  /** Cut-offs of the ranking metrics over all items. */
  ks?: readonly number[];
  /** Whether to rank all items for every positive event; needs a model that can retrieve. On unless said otherwise. */
  corpus?: boolean;
  /** Told the share done, 0 to 1. */
  onProgress?: (done: number) => void;
  /** Given what the metrics were computed from, sample by sample. */
  onOutcomes?: (outcomes: Outcomes) => void;
}

/** Rows of items or pairs that go through a program at once: enough to fill the cores, little enough to fit in memory. */
const BLOCK = 4096;
const REQUEST_BLOCK = 256;
const ITEM_BLOCK = 65536;

/**
 * All metrics of a part of the log. Impressions: every exposure of the part scored for its own request. Corpus: each
 * positive exposure is one request, at its own time and in its own context, for which all known items are ranked, and the
 * item that was shown is the relevant one.
 */
export async function evaluate(
  inference: Inference,
  dataset: Dataset,
  rows: Uint32Array,
  { ks = [20, 100], corpus = true, onProgress = () => {}, onOutcomes = () => {} }: EvaluateOptions = {},
): Promise<EvaluationResult> {
  const labels = labelsOf(dataset, rows);
  const items = await allItemStates(inference, dataset);
  const ranked = corpus && inference.model.retrieval !== undefined;
  const half = ranked ? 0.5 : 1;
  const logits = await scoreEvents(inference, dataset, rows, items, (done) => onProgress(done * half));
  const users = Int32Array.from(rows, (row) => dataset.events.user[row]!);
  const impressions = summarizeImpressions(logits, labels, users);
  const outcomes = { logits, labels, ...compactUsers(users) };
  if (!ranked) {
    onOutcomes(outcomes);
    return corpus ? mergeResults(impressions, unranked(ks)) : impressions;
  }
  const positives = rows.filter((_, i) => labels[i]! > 0);
  const { result, ranks } = await rankCorpus(inference, dataset, positives, items, ks, (done) =>
    onProgress(half + done * (1 - half)),
  );
  onOutcomes({ ...outcomes, ranks });
  return mergeResults(impressions, result);
}

/** Labels of event rows, in their order. */
export function labelsOf(dataset: Dataset, rows: Uint32Array): Float32Array {
  const column = dataset.events.feedback.get(dataset.label)!;
  return Float32Array.from(rows, (row) => column[row]!);
}

/** The states of every row of the item table. */
export async function allItemStates(inference: Inference, dataset: Dataset): Promise<HostState> {
  const blocks: HostState[] = [];
  for (let from = 0; from < dataset.items.count; from += BLOCK) {
    const size = Math.min(BLOCK, dataset.items.count - from);
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
  onProgress: (done: number) => void = () => {},
): Promise<Float32Array> {
  const assembler = new BatchAssembler(dataset);
  const logits = new Float32Array(rows.length);
  for (let from = 0; from < rows.length; from += BLOCK) {
    const { feeds, events } = assembler.assemble(rows.subarray(from, from + BLOCK), 0);
    const item = Int32Array.from(events, (row) => dataset.events.item[row]!);
    const request = feeds['pair.request']!.data as Int32Array;
    logits.set(await inference.askedPairs(feeds, items, request, item), from);
    onProgress((from + events.length) / rows.length);
  }
  return logits;
}

async function rankCorpus(
  inference: Inference,
  dataset: Dataset,
  positives: Uint32Array,
  items: HostState,
  ks: readonly number[],
  onProgress: (done: number) => void,
): Promise<{ result: EvaluationResult; ranks: Float64Array }> {
  const { retrieval } = inference.model;
  const keys = { [`item.${retrieval!.item}`]: items[`item.${retrieval!.item}`]! };
  const total = dataset.items.count;
  // Row 0 stands for unknown items and is never recommended.
  const candidates = new Uint8Array(total).fill(1);
  candidates[0] = 0;
  const evaluation = new CorpusEvaluation({ items: total, ks, candidates });
  const assembler = new BatchAssembler(dataset, { itemPerPair: true });
  const ranks = new Float64Array(positives.length);
  for (let from = 0; from < positives.length; from += REQUEST_BLOCK) {
    const { feeds, events } = assembler.assemble(positives.subarray(from, from + REQUEST_BLOCK), 0);
    const states = await inference.users(feeds);
    const query = { [`user.${retrieval!.user}`]: states[`user.${retrieval!.user}`]! };
    const open = Array.from(events, (row) => evaluation.open({ relevant: [dataset.events.item[row]!] }));
    for (let first = 0; first < total; first += ITEM_BLOCK) {
      const size = Math.min(ITEM_BLOCK, total - first);
      const scores = await inference.retrieve(query, sliceState(keys, first, first + size));
      open.forEach((request, i) => {
        request.push(scores.subarray(i * size, (i + 1) * size));
      });
    }
    for (const [i, request] of open.entries()) ranks[from + i] = request.close().ranks[0] ?? Number.NaN;
    onProgress((from + events.length) / positives.length);
  }
  return { result: summarizeCorpus(evaluation.result()), ranks };
}

function unranked(ks: readonly number[]): EvaluationResult {
  const note = 'the model scores candidates one by one and cannot retrieve';
  const names = ['recall', 'ndcg', 'mrr', 'hitRate', 'precision'];
  const metrics = Object.fromEntries(
    names.flatMap((name) => ks.map((k) => [`${name}@${k}`, { value: undefined, note }])),
  );
  return { metrics, counts: {} };
}
