import { z } from 'zod';
import { PHASES } from '../contract.js';

const count = z.int().positive();

/** What a plan is made for. */
export const planOptions = z.strictObject({
  items: count.optional().describe('items in the catalogue; as many as are known today unless given'),
  requestsPerSecond: z
    .number()
    .positive()
    .default(100)
    .describe('requests that arrive in a second, all replicas together'),
  latencyMs: z.number().positive().default(50).describe('milliseconds that 99 of 100 requests may take'),
  keep: z
    .partialRecord(z.enum(PHASES), count)
    .default({})
    .describe('N1, N2, N3: how many items each phase hands on; those of the cascade or version unless given'),
  k: count.optional().describe('items of an answer; what the last phase hands on unless given'),
  candidates: count
    .optional()
    .describe('plans rankings of so many given candidates by the last phase, instead of recommendations'),
  cached: z.number().min(0).max(1).default(0).describe('share of the requests whose user state is still there'),
  replicas: count.optional().describe('servers behind a balancer; as few as do unless given'),
  cores: count.min(2).optional().describe('cores of one server; as few as do unless given'),
  mostCores: count.min(2).default(32).describe('cores that a server can have at most'),
  memoryGiB: z
    .number()
    .positive()
    .optional()
    .describe('memory of one server; that of the measured machine unless given'),
  utilisation: z.number().gt(0).lt(1).default(0.7).describe('share of the time that threads may be busy'),
});

export type PlanInput = z.input<typeof planOptions>;
export type PlanOptions = z.output<typeof planOptions>;
