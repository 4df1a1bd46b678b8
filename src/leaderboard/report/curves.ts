import { titleOf } from '../protocols.js';
import type { Leaderboard } from '../results.js';

/** Losses and validations of every run from step to step, one number a line: for spreadsheets and plotting programs. */
export function curvesCsv({ tables }: Leaderboard): string {
  const lines = tables.flatMap(({ protocol, models }) =>
    models.flatMap(({ name, runs }) =>
      runs.flatMap(({ seed, curve }) =>
        curve.flatMap(({ step, epoch, loss, validation }) => {
          const numbers = { ...(loss !== undefined && { loss }), ...validation };
          return Object.entries(numbers).flatMap(([what, value]) => {
            const kind = what === 'loss' ? 'training loss' : `validation ${what}`;
            return value === null ? [] : [[titleOf(protocol), name, seed, step, epoch, kind, value].join(',')];
          });
        }),
      ),
    ),
  );
  return `${['protocol,model,seed,step,epoch,what,value', ...lines].join('\n')}\n`;
}
