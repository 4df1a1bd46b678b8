import { z } from 'zod';

export const GENERATORS = ['drift-diffusion', 'raw-diffusion', 'regression', 'vae', 'none'] as const;

export const options = z.strictObject({
  history: z.string().optional().describe("which of the data's histories is the sequence; the first unless given"),
  sequence: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      'which fields of a past item make its embedding, each `embedding` wide; all id fields of the history unless given',
    ),
  embedding: z
    .int()
    .positive()
    .default(8)
    .describe("width of one field's embedding; d is this times the number of fields in `sequence`"),
  session: z
    .int()
    .positive()
    .default(10)
    .describe('k: how many of the newest events are the current session; the older ones are the long history'),
  generator: z
    .enum(GENERATORS)
    .default('drift-diffusion')
    .describe(
      'what guesses the next item: diffusion of the differences of consecutive items, of the items themselves, one pass of the U-Net without noise, a variational autoencoder, or nothing',
    ),
  steps: z.int().positive().default(50).describe('T'),
  servingSteps: z
    .int()
    .positive()
    .optional()
    .describe('how many of the T steps, evenly apart, serving goes back through; all of them unless given'),
  schedule: z
    .strictObject({
      start: z.number().positive().default(0.01).describe('β before the first step'),
      growth: z.number().positive().default(4.5).describe('logarithm of how many times larger the last β is'),
    })
    .prefault({})
    .refine(({ start, growth }) => start * Math.exp(growth) < 1, 'start·exp(growth), the last β, must be below 1')
    .describe('β_t = start·exp(growth·t/T)'),
  levels: z.int().min(1).max(6).default(4).describe('levels of the U-Net'),
  weight: z.number().min(0).default(1).describe("λ: weight of the generator's loss"),
  distance: z
    .enum(['squared', 'norm'])
    .default('squared')
    .describe('squared distance to the true sequence as in the paper, or the distance itself as in the released code'),
  scaled: z
    .boolean()
    .default(true)
    .describe('divides what the generator sees by the running size of a drift, and multiplies back'),
  stopInput: z.boolean().default(true).describe("keeps the generator's loss from moving the embeddings"),
  stopOutput: z.boolean().default(true).describe('keeps the other losses from moving the generator'),
  releasedCoefficients: z
    .boolean()
    .default(false)
    .describe('the coefficients of the reverse steps as in the released code instead of those of DDPM'),
  guess: z
    .enum(['noised-target', 'noise'])
    .default('noised-target')
    .describe(
      'what the user vector is trained on: the guess from the noised truth as in the paper, or one from noise alone',
    ),
  noiseSeed: z
    .int()
    .min(0)
    .default(1)
    .describe('seed of the noise that serving starts from and adds; written into the graph'),
  heads: z.int().positive().default(2).describe('heads of the attention within the session'),
  feedForward: z
    .array(z.int().positive())
    .default([64])
    .describe('layers between attention and output of the session transformer; one of width d follows'),
  excludeSelf: z.boolean().default(true).describe('hides from each event of the session its own key'),
  activationUnit: z
    .array(z.int().positive())
    .default([4])
    .describe('hidden layers of the activation unit over the long history'),
  lagBuckets: z
    .int()
    .min(0)
    .default(32)
    .describe(
      'buckets of log₂(1 + lag in seconds) whose embedding the activation unit sees; 0 leaves the lag out, as in the released code',
    ),
  lagWidth: z.int().positive().default(4).describe("width of a lag bucket's embedding"),
  fusion: z
    .union([z.literal('none'), z.array(z.int().positive())])
    .default([64])
    .describe(
      'hidden layers of the fusion of both interests; `none` takes them side by side as in the released code: `width` is then 2d',
    ),
  itemTower: z.array(z.int().positive()).default([]).describe('hidden layers of the item tower'),
  width: z.int().positive().default(32).describe('D: width of the two vectors that meet'),
  allFields: z
    .boolean()
    .default(false)
    .describe(
      'gives the fusion the user and context fields, and the item tower the item fields that are not in the sequence',
    ),
});

export type Options = z.infer<typeof options>;
