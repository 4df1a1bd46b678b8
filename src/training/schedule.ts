import { z } from 'zod';

export const scheduleOptions = z.strictObject({
  warmup: z.int().min(0).default(0).describe('steps over which the learning rate rises linearly from 0'),
  decay: z
    .enum(['constant', 'cosine'])
    .default('constant')
    .describe('cosine lets it fall to floor of its height by the last step'),
  floor: z.number().min(0).max(1).default(0).describe('the share of its height that cosine falls to'),
});
export type ScheduleOptions = z.infer<typeof scheduleOptions>;

/** The factor on the learning rate at `step` (from 1) of `total`. */
export function scheduleFactor({ warmup, decay, floor }: ScheduleOptions, step: number, total: number): number {
  if (step <= warmup) return step / warmup;
  if (decay === 'constant') return 1;
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - warmup));
  return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
