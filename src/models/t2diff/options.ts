import { z } from 'zod';

export const GENERATORS = ['drift-diffusion', 'raw-diffusion', 'regression', 'vae', 'none'] as const;

export const options = z.strictObject({
  /** Which of the data's histories is the sequence; the first unless given. */
  history: z.string().optional(),
  /** Which fields of a past item make its embedding, each `embedding` wide; all id fields of the history unless given. */
  sequence: z.array(z.string()).min(1).optional(),
  /** Width of one field's embedding; d is this times the number of fields in `sequence`. */
  embedding: z.int().positive().default(8),
  /** k: how many of the newest events are the current session; the older ones are the long history. */
  session: z.int().positive().default(10),
  /**
   * What guesses the next item: diffusion of the differences of consecutive items, of the items themselves, one pass of the U-Net
   * without noise, a variational autoencoder, or nothing.
   */
  generator: z.enum(GENERATORS).default('drift-diffusion'),
  /** T */
  steps: z.int().positive().default(50),
  /** How many of the T steps, evenly apart, serving goes back through; all of them unless given. */
  servingSteps: z.int().positive().optional(),
  /** β_t = start·exp(growth·t/T) */
  schedule: z
    .strictObject({ start: z.number().positive().default(0.01), growth: z.number().positive().default(4.5) })
    .prefault({})
    .refine(({ start, growth }) => start * Math.exp(growth) < 1, 'start·exp(growth), the last β, must be below 1'),
  /** Levels of the U-Net. */
  levels: z.int().min(1).max(6).default(4),
  /** λ: weight of the generator's loss. */
  weight: z.number().min(0).default(1),
  /** Squared distance to the true sequence as in the paper, or the distance itself as in the released code. */
  distance: z.enum(['squared', 'norm']).default('squared'),
  /** Divides what the generator sees by the running size of a drift, and multiplies back. */
  scaled: z.boolean().default(true),
  /** Keeps the generator's loss from moving the embeddings. */
  stopInput: z.boolean().default(true),
  /** Keeps the other losses from moving the generator. */
  stopOutput: z.boolean().default(true),
  /** The coefficients of the reverse steps as in the released code instead of those of DDPM. */
  releasedCoefficients: z.boolean().default(false),
  /** What the user vector is trained on: the guess from the noised truth as in the paper, or one from noise alone. */
  guess: z.enum(['noised-target', 'noise']).default('noised-target'),
  /** Seed of the noise that serving starts from and adds; written into the graph. */
  noiseSeed: z.int().min(0).default(1),
  /** Heads of the attention within the session. */
  heads: z.int().positive().default(2),
  /** Layers between attention and output of the session transformer; one of width d follows. */
  feedForward: z.array(z.int().positive()).default([64]),
  /** Hides from each event of the session its own key. */
  excludeSelf: z.boolean().default(true),
  /** Hidden layers of the activation unit over the long history. */
  activationUnit: z.array(z.int().positive()).default([4]),
  /** Buckets of log₂(1 + lag in seconds) whose embedding the activation unit sees; 0 leaves the lag out, as in the released code. */
  lagBuckets: z.int().min(0).default(32),
  lagWidth: z.int().positive().default(4),
  /** Hidden layers of the fusion of both interests; `none` takes them side by side as in the released code: `width` is then 2d. */
  fusion: z.union([z.literal('none'), z.array(z.int().positive())]).default([64]),
  /** Hidden layers of the item tower. */
  itemTower: z.array(z.int().positive()).default([]),
  /** D: width of the two vectors that meet. */
  width: z.int().positive().default(32),
  /** Gives the fusion the user and context fields, and the item tower the item fields that are not in the sequence. */
  allFields: z.boolean().default(false),
});

export type Options = z.infer<typeof options>;
