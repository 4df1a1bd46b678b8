import { z } from 'zod';
import { PHASES } from '../contract.js';

/** Bodies of answers, for the OpenAPI document and the types of clients. */
const phase = z.enum(PHASES);
const score = z.number().nullable().describe('logit, rounded to 1e-6; null where there is none');

const base = {
  requestId: z.string().describe('names this answer in the funnel log; also the header x-request-id'),
  version: z.string().describe('the version that gave the whole answer'),
  phases: z.array(z.object({ phase, in: z.int(), kept: z.int(), ms: z.number() })).describe('what each phase did'),
  degraded: z
    .array(z.object({ phase, reason: z.enum(['budget', 'failed']), detail: z.string() }))
    .describe('phases that were skipped; the order of the one before was kept'),
  stale: z
    .object({
      reason: z.enum(['unreachable', 'lost', 'behind']),
      since: z.number().describe('seconds since 1970'),
      detail: z.string(),
    })
    .optional()
    .describe('present where items and users may be older than what is stored, in a fleet that shares its state'),
  userKnown: z.boolean(),
  timing: z.object({ queueMs: z.number(), totalMs: z.number() }),
  explain: z
    .array(z.object({ phase, items: z.array(z.string()), scores: z.array(score), kept: z.int() }))
    .optional()
    .describe('with `explain`: every item of every phase, best first; the first `kept` went on'),
};

export const recommendAnswer = z.object({
  ...base,
  items: z.array(z.object({ item: z.string(), score, phase })).describe('best first'),
});
export const rankAnswer = z.object({
  ...base,
  phase: phase.nullable().describe('whose model scored; null where it was skipped'),
  items: z.array(z.union([z.string(), z.int()])).describe('candidates, best first'),
  scores: z.array(score).describe('in that order'),
  unknown: z.int().describe('candidates that the catalogue does not know'),
});
export const changeAnswer = z.object({
  applied: z.int().describe('rows taken over'),
  ignored: z.int().describe('rows without effect'),
});
const values = z.record(z.string(), z.unknown());
export const itemAnswer = z.object({ key: z.string(), values });
export const lookupAnswer = z.object({ items: z.array(itemAnswer) });
export const userAnswer = z.object({
  key: z.string(),
  values,
  histories: z.record(z.string(), z.array(z.object({ item: z.string(), time: z.number().nullable() }))),
});
export const problemAnswer = z.object({
  error: z.object({ code: z.string(), message: z.string(), path: z.string().optional() }),
});

export type RecommendReply = z.output<typeof recommendAnswer>;
export type RankReply = z.output<typeof rankAnswer>;
export type ChangeReply = z.output<typeof changeAnswer>;
export type ItemReply = z.output<typeof itemAnswer>;
export type UserReply = z.output<typeof userAnswer>;
