import { Build, compile, gradients, input, Program, type Tensor } from '../../graph/index.js';
import type { Feeds } from '../../schema.js';
import type { Loss, LossContext } from '../losses/loss.js';
import { listContext } from './context.js';
import { bools, floats, ints } from './values.js';

/** Lists for losses over lists, each as long as it likes: all as [list][position]. */
export interface ListBatch {
  scores: number[][];
  /** Zeros unless given. */
  labels?: number[][];
  stages?: number[][];
  /** Of a teacher; null where it has none, as everywhere unless given. */
  teacher?: (number | null)[][];
  /** Of the model's listwise part. */
  reranked?: number[][];
  /** Empty positions after the longest list; lists are padded to one length in any case. */
  padding?: number;
}

function context(): LossContext {
  return { ...listContext(), reranked: input('reranked', ['B', 'L']) };
}

export function listFeeds(batch: ListBatch): Feeds {
  const { scores, labels, stages, teacher, reranked, padding = 0 } = batch;
  const flat = <T>(values: T[][] | undefined, fallback: T): T[] =>
    (values ?? scores.map((l) => l.map(() => fallback))).flat();
  const taught = flat<number | null>(teacher, null);
  const length = Math.max(...scores.map((list) => list.length)) + padding;
  const rows = (value: (list: number, at: number) => number, empty: number) =>
    scores.map((list, b) => Array.from({ length }, (_, at) => (at < list.length ? value(b, at) : empty)));
  const starts = scores.map((_, b) => scores.slice(0, b).flat().length);
  const pairs = scores.flat().length;
  return {
    logits: floats(scores.flat()),
    label: floats(flat(labels, 0)),
    weight: floats(scores.flat().map(() => 1)),
    request: ints(scores.flatMap((list, b) => list.map(() => b))),
    itemRow: ints(Array.from({ length: pairs }, (_, p) => p)),
    stage: ints(flat(stages, 0)),
    teacher: floats(taught.map((value) => value ?? 0)),
    taught: floats(taught.map((value) => (value === null ? 0 : 1))),
    // What stands at empty positions must not matter.
    pairs: ints(rows((b, at) => starts[b]! + at, pairs - 1)),
    mask: bools(rows(() => 1, 0)),
    reranked: floats(rows((b, at) => reranked?.[b]?.[at] ?? 0, 7)),
  };
}

/** The loss as a graph over the feeds of `listFeeds`. */
// biome-ignore lint/suspicious/noExplicitAny: each loss has its own options
export function listLossTensor(loss: Loss<any>, options: object): Tensor {
  return loss.build(context(), loss.options.parse(options));
}

/** The loss of a batch, and its gradient with respect to the scores, list after list. */
export async function listLoss(
  // biome-ignore lint/suspicious/noExplicitAny: each loss has its own options
  loss: Loss<any>,
  options: object,
  batch: ListBatch,
): Promise<{ loss: number; gradient: number[] }> {
  const outputs = new Build(true).run(() => {
    const value = listLossTensor(loss, options);
    return { loss: value, gradient: gradients(value, [input('logits', ['P'])])[0]! };
  });
  const program = await Program.load(compile('loss', outputs), { threads: 1 });
  const { loss: value, gradient } = await program.call(listFeeds(batch));
  await program.release();
  return { loss: Number(value!.data[0]), gradient: Array.from(gradient!.data, Number) };
}
