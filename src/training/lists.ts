import { z } from 'zod';
import { readCandidates } from '../data/candidates.js';
import type { Dataset } from '../data/dataset.js';
import { fullStageSamples } from '../data/full-stage.js';
import type { SampleTable } from '../data/samples.js';
import { countItems, popularitySampler, uniformSampler } from '../data/sampling.js';
import { itemSamplerOptions } from './item-sampler.js';

/** The section `training.lists`: what the list of a request is made of. */
export const listOptions = z
  .strictObject({
    impressions: z
      .int()
      .positive()
      .default(16)
      .describe('shown items of a request at most; positives are kept before others'),
    candidates: z
      .int()
      .min(0)
      .default(0)
      .describe('items that were considered and not shown, from the log and from candidateFile, at most'),
    candidateFile: z.string().min(1).optional().describe('candidates written by twotower cascade mine'),
    choose: z
      .enum(['random', 'rank'])
      .default('random')
      .describe('which candidates, where there are more: any, or those that came furthest and stood highest'),
    randoms: z
      .int()
      .min(0)
      .default(0)
      .describe('draws from all items; one that the request has as something else leaves the list shorter'),
    ...itemSamplerOptions,
    window: z
      .number()
      .min(0)
      .default(600)
      .describe(
        "seconds: where the log numbers no requests, a user's events this long after the first are one; and how old mined candidates may be",
      ),
  })
  .superRefine(({ candidates, candidateFile }, context) => {
    if (candidateFile === undefined || candidates > 0) return;
    context.addIssue({
      code: 'custom',
      path: ['candidates'],
      message: 'how many of the candidates of candidateFile go into a list? Give a number above 0',
    });
  });
export type ListOptions = z.infer<typeof listOptions>;

/**
 * Draws the lists that training goes over: see `fullStageSamples`.
 *
 * @throws DATA_SOURCE, DATA_COLUMN, DATA_KEY, DATA_VALUE of the file of candidates
 */
export async function drawLists(dataset: Dataset, options: ListOptions, seed: number): Promise<SampleTable> {
  const { candidateFile, sampler, power, ...rest } = options;
  const { events, items, splits } = dataset;
  return fullStageSamples(dataset, {
    ...rest,
    seed,
    sampler:
      sampler === 'uniform'
        ? uniformSampler(items.count)
        : popularitySampler(countItems(events.item, splits.train, items.count), power),
    mined: candidateFile === undefined ? undefined : await readCandidates(candidateFile, dataset),
  });
}
