import { z } from 'zod';
import type { StageOptions } from './stage-options.js';

const moment = z.union([z.number(), z.iso.datetime({ offset: true }), z.iso.date()], {
  error:
    'a time is ISO 8601 with a zone (2022-05-06T00:00:00+08:00), a date (UTC), or a number in the unit of the column',
});

const leavesTest = [
  ({ train, validation }: { train: number; validation: number }) => train + validation < 1,
  'train and validation leave nothing for the test',
] as const;

/** Where the parts of a log are cut, in a dataset description or in a configuration that cuts otherwise. */
export const splitOptions = z.union([
  z.strictObject({
    by: z.string().min(1).optional().describe('a numeric column to cut instead of the time'),
    trainUntil: moment.describe('training: everything before'),
    validationUntil: moment.describe('validation: what follows until here (exclusive); test: the rest'),
  }),
  z
    .strictObject({
      train: z.number().gt(0).lt(1).describe('share of the events, the earliest'),
      validation: z.number().gt(0).lt(1).describe('share of the events that follow; test: the rest'),
    })
    .refine(...leavesTest),
  z.strictObject({
    newest: z
      .int()
      .min(1)
      .describe(
        "how many of a user's newest events are the test, and how many before them validation; the rest is training",
      ),
    users: z
      .strictObject({
        train: z.number().gt(0).lt(1).describe('share of the users all of whose events are training'),
        validation: z
          .number()
          .gt(0)
          .lt(1)
          .describe('share of the users whose newest events are validation; test: those of the rest'),
        seed: z.int().min(0).default(1).describe('deals users out differently'),
      })
      .refine(...leavesTest)
      .optional()
      .describe('leaves out whole users instead: what a user of validation or test did before is only history'),
  }),
]);
/** A split as it is written down. */
export type SplitOptions = z.output<typeof splitOptions>;

/** What keeps a split from fitting the stages of a log; undefined where nothing does. */
export function splitProblem(split: SplitOptions, stages: StageOptions | undefined): string | undefined {
  if (stages?.column === undefined || !('newest' in split)) return undefined;
  return 'a split by the newest events of a user counts exposures: it does not go with a stage column';
}
