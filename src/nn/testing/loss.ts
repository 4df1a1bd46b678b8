import { Build, compile, gradients, input, Program, type Tensor } from '../../graph/index.js';
import type { Feeds } from '../../schema.js';
import type { Loss, LossContext } from '../losses/loss.js';
import { pairContext } from './context.js';
import { floats, ints } from './values.js';

/** A batch for losses over a matrix of requests and items. */
export interface MatrixBatch {
  /** [request][item] */
  similarity: number[][];
  pairs: { request: number; item: number; label: number; weight?: number }[];
  /** Probability of each item to be in the batch. */
  probability?: number[];
}

/** A loss compiled once, for many batches. */
export interface MatrixLoss {
  /** The loss and its gradient with respect to the similarities, row by row. */
  of(batch: MatrixBatch): Promise<{ loss: number; gradient: number[] }>;
}

function context(withLogq: boolean): LossContext {
  return {
    ...pairContext(),
    similarity: input('similarity', ['B', 'I']),
    ...(withLogq && { logq: input('logq', ['I']) }),
  };
}

export function matrixFeeds({ similarity, pairs, probability }: MatrixBatch): Feeds {
  return {
    similarity: floats(similarity),
    label: floats(pairs.map(({ label }) => label)),
    weight: floats(pairs.map(({ weight = 1 }) => weight)),
    request: ints(pairs.map(({ request }) => request)),
    itemRow: ints(pairs.map(({ item }) => item)),
    ...(probability && { logq: floats(probability.map(Math.log)) }),
  };
}

/** The loss as a graph over the feeds of `matrixFeeds`. */
// biome-ignore lint/suspicious/noExplicitAny: each loss has its own options
export function matrixLossTensor(loss: Loss<any>, options: object, withLogq: boolean): Tensor {
  return loss.build(context(withLogq), loss.options.parse(options));
}

// biome-ignore lint/suspicious/noExplicitAny: each loss has its own options
export async function matrixLoss(loss: Loss<any>, options: object, withLogq = true): Promise<MatrixLoss> {
  const outputs = new Build(true).run(() => {
    const value = matrixLossTensor(loss, options, withLogq);
    return { loss: value, gradient: gradients(value, [input('similarity', ['B', 'I'])])[0]! };
  });
  const program = await Program.load(compile('loss', outputs), { threads: 1 });
  return {
    async of(batch) {
      const { loss, gradient } = await program.call(matrixFeeds(batch));
      return { loss: Number(loss!.data[0]), gradient: Array.from(gradient!.data, Number) };
    },
  };
}
