import { z } from 'zod';
import { PHASES } from '../contract.js';

/**
 * The bodies of the API: one zod schema each, from which come validation, TypeScript types and the OpenAPI document. Bounds that
 * a version sets (candidates, k, filter keys) are checked by the engine, so that there is one place to change them.
 */
const KEY_ABOUT = 'key of a user or an item as in the data; 7 and "7" are the same';
/** Longest list of keys or values anywhere in a request; what an engine allows is less. */
const MOST_KEYS = 100_000;
/** Characters of a key that is stored. */
const LONGEST_KEY = 1_024;
const MOST_COLUMNS = 1_000;

const key = z.union([z.string(), z.int()]).meta({ description: KEY_ABOUT });
const storedKey = z
  .union([z.string().min(1).max(LONGEST_KEY), z.int()])
  .meta({ description: `${KEY_ABOUT}; up to ${LONGEST_KEY} characters` });

/** Lists of keys are long and on the path of every request: one loop instead of a schema per element. */
const keys = (about: string) =>
  z
    .custom<readonly (string | number)[]>()
    .check(({ value, issues }) => {
      const report = (message: string, path: PropertyKey[] = []) =>
        issues.push({ code: 'custom', message, path, input: value });
      if (!Array.isArray(value)) report(value === undefined ? 'it is missing' : 'a list of keys is needed');
      else if (value.length > MOST_KEYS) report(`${value.length} keys, at most ${MOST_KEYS} are read`);
      else {
        for (let i = 0; i < value.length; i++) {
          const one: unknown = value[i];
          if (typeof one === 'string' || Number.isSafeInteger(one)) continue;
          report('a key is a text or a whole number', [i]);
          return;
        }
      }
    })
    .meta({
      description: about,
      type: 'array',
      maxItems: MOST_KEYS,
      items: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    });

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const rawValue = z.union([scalar, z.array(scalar).max(10_000)]);
const record = z
  .record(z.string().min(1).max(LONGEST_KEY), rawValue)
  .refine((value) => Object.keys(value).length <= MOST_COLUMNS, { error: `at most ${MOST_COLUMNS} columns` })
  .meta({ description: 'raw columns by name' });

const time = z.number().describe('seconds since 1970');
const phase = z.enum(PHASES);

const asker = {
  user: key.optional().describe('who asks; a key that is not known is an unknown user'),
  userFields: record.optional().describe('raw columns of the user; they go before those stored'),
  context: record.optional().describe('raw columns of the request'),
  time: time.optional().describe('when the request is made, in seconds since 1970; default: now'),
  histories: z
    .record(
      z.string().min(1),
      z
        .array(z.strictObject({ item: z.union([key, record]), time: time.optional() }))
        .max(10_000)
        .describe('earlier events, in any order'),
    )
    .optional()
    .describe('earlier events by the name of the history; each given goes in place of the stored one'),
};

const control = {
  budgetMs: z.number().positive().max(60_000).optional().describe('milliseconds for the whole request'),
  explain: z.boolean().optional().describe('whether the answer lists the items and scores of every phase'),
  version: z.string().min(1).max(200).optional().describe('a certain one of the live versions'),
};

const predicateValue = z.union([z.string(), z.number(), z.boolean()]);
const predicate = z.strictObject({
  field: z.string().min(1).describe('raw or display column of the items'),
  equals: predicateValue.optional(),
  in: z.array(predicateValue).max(10_000).optional(),
  notIn: z.array(predicateValue).max(10_000).optional(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  above: z.number().optional(),
  below: z.number().optional(),
  exists: z.boolean().optional(),
});

const phaseSetting = z.union([z.boolean(), z.strictObject({ keep: z.int().positive().optional() })]);

export const recommendBody = z.strictObject({
  ...asker,
  k: z.int().positive().optional().describe('items wanted; default: what the last phase keeps'),
  filter: z
    .strictObject({
      include: keys('only these items').optional(),
      exclude: keys('none of these items').optional(),
      where: z.array(predicate).max(1_000).optional().describe('conditions that must all hold'),
    })
    .optional(),
  includeSeen: z.boolean().optional().describe('whether items of the histories may come again; default false'),
  phases: z
    .strictObject({ retrieve: phaseSetting, prerank: phaseSetting, rank: phaseSetting })
    .partial()
    .optional()
    .describe('false switches a phase off, { keep } overrides how many items it keeps'),
  ...control,
});

const rankOptions = {
  ...asker,
  phase: phase.optional().describe("the phase whose model scores; default: the version's last one"),
  k: z.int().positive().optional().describe('how many are returned; default: all'),
  ...control,
};

export const rankBody = z.strictObject({
  candidates: keys('items to order, duplicates and unknown ones allowed'),
  ...rankOptions,
});

/** The head of a binary frame: what a JSON request says, without the candidates. */
export const rankHead = z.strictObject(rankOptions);

const row = z.strictObject({ key: storedKey, values: record.default({}) });
const list = <T extends z.ZodType>(of: T, about: string) => z.array(of).min(1).describe(about);

export const itemsBody = z.strictObject({ items: list(row, 'each replaces what was known under its key, whole') });
export const usersBody = z.strictObject({ users: list(row, 'each replaces what was known under its key, whole') });
export const keysBody = z.strictObject({ keys: list(storedKey, 'what to remove') });
export const lookupBody = z.strictObject({ keys: z.array(key).min(1).max(2_000).describe('items wanted') });
export const eventsBody = z.strictObject({
  events: list(
    z.strictObject({
      user: storedKey,
      item: storedKey,
      time: time.optional().describe('seconds since 1970; default: now'),
      feedback: z.record(z.string().min(1).max(200), z.number()).describe('feedback columns: 0/1 or graded'),
      requestId: z.string().max(100).optional().describe('the answer in which the user saw the item'),
    }),
    'what users did',
  ),
});

export type RecommendBody = z.output<typeof recommendBody>;
export type RankBody = z.output<typeof rankBody>;
export type RankHead = z.output<typeof rankHead>;
export type ItemsBody = z.output<typeof itemsBody>;
export type UsersBody = z.output<typeof usersBody>;
export type EventsBody = z.output<typeof eventsBody>;
