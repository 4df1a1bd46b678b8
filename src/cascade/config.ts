import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type RunConfig, wholeDataSection } from '../runs/config.js';
import { settledData } from '../runs/read-config.js';
import { parseYaml, readText } from '../yaml.js';
import { indexOptions } from './index/build.js';

const run = z.string().min(1).describe('run folder, relative to this file');
const kept = (usual: number, what: string) => z.int().positive().default(usual).describe(what);

const evaluationOptions = z.strictObject({
  part: z.enum(['test', 'validation']).default('test').describe('part of the log whose requests are asked'),
  requests: z.int().min(0).default(2000).describe('how many requests are drawn from it; 0 takes all'),
  seed: z.int().min(0).default(1).describe('of the draw'),
  ks: z.array(z.int().positive()).min(1).default([10, 20]).describe('cut-offs of NDCG and of the agreement'),
  timed: z.int().positive().default(100).describe('requests that are sent through one by one to measure the time'),
  budget: z.number().positive().default(50).describe('milliseconds a request may take: t_ref of UPQE_ours'),
  sweep: z
    .strictObject({
      retrieve: z.array(z.int().positive()).min(1).optional().describe('N1: what retrieval hands on'),
      prerank: z.array(z.int().positive()).min(1).optional().describe('N2: what pre-ranking hands on'),
    })
    .prefault({})
    .describe('list lengths that are tried; some below and at the configured ones unless given'),
});

const mineOptions = z.strictObject({
  items: kept(50, 'candidates written for a request, at most'),
  pick: z
    .enum(['random', 'best'])
    .default('random')
    .describe('which of the items that retrieval found: drawn evenly, or the best'),
  survivors: z
    .int()
    .min(0)
    .default(0)
    .describe('besides these, how many of the items that pre-ranking keeps; needs a prerank run'),
  requests: z.int().min(0).default(0).describe('how many requests are drawn; 0 takes all'),
  stage: z
    .string()
    .optional()
    .describe("what retrieved items are: the dataset's lowest stage above the corpus unless given"),
  survivorStage: z.string().optional().describe('what pre-ranking keeps is: the stage above `stage` unless given'),
  seed: z.int().min(0).default(1).describe('of all draws'),
});

/** CASCADE.yaml: which runs stand behind each other, how much each hands on, and what is measured. */
export const cascadeSchema = z.strictObject({
  data: wholeDataSection.describe('the log whose requests are asked: the name or path of a dataset, or an object'),
  label: z.string().optional().describe("feedback that makes an item relevant, instead of the dataset's label"),
  window: z
    .number()
    .min(0)
    .optional()
    .describe('seconds in which the events of a user are one request, where the log numbers none'),
  retrieve: z
    .strictObject({
      run,
      items: kept(500, 'N1: how many items are handed on'),
      index: indexOptions.omit({ metric: true, threads: true }).prefault({}).describe('how all items are searched'),
    })
    .describe('finds candidates among all items; its model must be able to retrieve'),
  prerank: z
    .strictObject({ run, items: kept(100, 'N2: how many items are handed on') })
    .optional()
    .describe('thins out what was retrieved'),
  rank: z
    .strictObject({ run, items: kept(20, 'N3: how many items are shown') })
    .optional()
    .describe('orders the rest; a model with a re-ranking part sees the whole list'),
  evaluation: evaluationOptions.prefault({}).describe('what `cascade evaluate` measures'),
  mine: mineOptions.prefault({}).describe('what `cascade mine` writes'),
  threads: z.int().min(0).default(0).describe('threads of one ONNX Runtime session; 0 takes every core'),
});

type Parsed = z.output<typeof cascadeSchema>;

/** A validated cascade; paths are absolute. */
export interface CascadeConfig extends Omit<Parsed, 'data'> {
  data: RunConfig['data'];
}

/** Parses and validates the text of CASCADE.yaml; paths start from `folder`. @throws CONFIG_UNREADABLE, CONFIG_INVALID */
export function parseCascade(text: string, file: string, folder: string): CascadeConfig {
  const parsed = parseYaml(text, file, checked);
  const settle = <T extends { run: string }>(stage: T): T => ({ ...stage, run: resolve(folder, stage.run) });
  return {
    ...parsed,
    data: settledData(parsed.data, folder, folder),
    retrieve: settle(parsed.retrieve),
    ...(parsed.prerank && { prerank: settle(parsed.prerank) }),
    ...(parsed.rank && { rank: settle(parsed.rank) }),
  };
}

/** Reads CASCADE.yaml. @throws CONFIG_UNREADABLE, CONFIG_INVALID */
export function readCascade(file: string): CascadeConfig {
  return parseCascade(readText(file, 'Give the path of a cascade (YAML): see docs/cascade.md.'), file, dirname(file));
}

const checked = cascadeSchema.superRefine(({ retrieve, prerank, rank, mine }, context) => {
  const wrong = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (prerank !== undefined && prerank.items > retrieve.items) {
    wrong(['prerank', 'items'], `${prerank.items} items cannot be kept of ${retrieve.items} retrieved ones`);
  }
  const last = prerank ?? retrieve;
  if (rank !== undefined && rank.items > last.items) {
    wrong(['rank', 'items'], `${rank.items} items cannot be kept of ${last.items}`);
  }
  if (mine.survivors > 0 && (prerank === undefined || mine.survivors > prerank.items)) {
    wrong(['mine', 'survivors'], `${mine.survivors} survivors need a prerank run that keeps as many`);
  }
});
