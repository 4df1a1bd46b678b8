import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../errors.js';

/** Figures that others printed, as they are written into a leaderboard's file. */
export const publishedOptions = z
  .strictObject({
    source: z.string().min(1).describe('where they are printed'),
    values: z
      .record(z.string(), z.record(z.string(), z.number()))
      .describe('by model of the table, then by metric: { dssm: { auc: 0.87 } }'),
  })
  .describe('figures that others printed, for a table of their own beside ours; nothing is judged by them');

/** Figures that others printed. */
export type Published = z.output<typeof publishedOptions>;

/**
 * Printed figures must be of models and metrics of their table.
 *
 * @param place of the figures, for the error
 * @throws CONFIG_INVALID
 */
export function checkPublished(
  { values }: Published,
  models: Iterable<string>,
  metrics: readonly string[],
  place: string,
): void {
  const known = new Set(models);
  const refuse = (what: string, name: string, names: Iterable<string>) => {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `${place}: there is no ${what} "${name}" in this table, ${didYouMean(name, names)}`,
      `Name one of its ${what}s.`,
    );
  };
  for (const [model, figures] of Object.entries(values)) {
    if (!known.has(model)) refuse('model', model, known);
    for (const metric of Object.keys(figures)) if (!metrics.includes(metric)) refuse('metric', metric, metrics);
  }
}
