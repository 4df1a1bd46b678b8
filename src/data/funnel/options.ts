import { z } from 'zod';

const count = (usual: number, what: string) => z.int().positive().default(usual).describe(what);
const share = (usual: number, what: string) => z.number().min(0).max(1).default(usual).describe(what);

const cascadeOptions = z.strictObject({
  retrieve: count(100, 'items that retrieval of the logging cascade finds for a request'),
  prerank: count(40, 'items that its pre-ranking keeps'),
  rank: count(20, 'items that its ranking keeps'),
  shown: count(10, 'items the user is shown'),
});

const world = z.strictObject({
  users: count(3000, 'users who can ask'),
  items: count(2000, 'items there are at the end'),
  days: count(14, 'length of the log'),
  seed: z.int().min(0).default(1).describe('of everything that is drawn'),
  requestsPerDay: z.number().positive().default(0.6).describe('of a user, the mean'),
  interaction: share(
    0.4,
    'share of the variance of taste that depends on the best facet alone, not on an inner product',
  ),
  drift: share(0.3, 'how far tastes turn within the log; 1: nothing personal is left of what they were'),
  newItems: share(0.3, 'share of the items that appear within the log'),
  positionBias: z
    .number()
    .min(0)
    .max(5)
    .default(0.5)
    .describe('the place p (from 1) is looked at with probability p^-positionBias; 0: every place surely'),
  cascade: cascadeOptions.prefault({}).describe('the cascade that made the log'),
  candidates: z
    .int()
    .min(0)
    .default(2)
    .describe('items logged of each request that got to each stage below shown and no further, at most'),
});

/** What can be said of a generated funnel world; the rest is fixed: see docs/cascade.md. */
export const funnelOptions = world.superRefine(checkSizes);

/** The same in a dataset description, which names the kind of world. */
export const generateOptions = world
  .extend({ world: z.literal('funnel').describe('the only kind there is: docs/cascade.md') })
  .superRefine(checkSizes);

function checkSizes({ cascade, items }: z.output<typeof world>, context: z.RefinementCtx): void {
  const names = ['retrieve', 'prerank', 'rank', 'shown'] as const;
  names.forEach((name, i) => {
    const [before, what] = i === 0 ? [items, 'there are'] : [cascade[names[i - 1]!], `${names[i - 1]} hands on`];
    if (cascade[name] <= before) return;
    const message = `${cascade[name]} items cannot be kept of the ${before} that ${what}`;
    context.addIssue({ code: 'custom', path: ['cascade', name], message });
  });
}

export type FunnelOptions = z.output<typeof funnelOptions>;
export type FunnelInput = z.input<typeof funnelOptions>;

/** 2024-01-01T00:00:00Z, when every generated log begins. */
export const START = 1704067200;
export const DAY = 86400;
