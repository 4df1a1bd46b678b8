import { openRun } from '../runs/open.js';
import { type Described, type Recommendations, recommend as recommendFor } from '../runs/recommend.js';
import { examples, wholeNumber } from './options.js';
import type { Output } from './output.js';
import { table } from './table.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

export const recommend: Verb = {
  register(program, output) {
    program
      .command('recommend')
      .description('the best items for a user, as of the end of the log')
      .argument('<run>', 'run folder')
      .requiredOption('--user <id>', 'key of the user, as in the data')
      .option('-k <number>', 'how many items', wholeNumber(1), 10)
      .option('--include-seen', 'also items the user was shown before')
      .option('--data <dir>', 'folder of the data files, if they have moved')
      .addHelpText('after', examples('twotower recommend runs/dssm-kuairand-1 --user 10 -k 5'))
      .action(async (folder: string, options: { user: string; k: number; includeSeen?: boolean; data?: string }) => {
        const run = await openRun(folder, { warn: output.warn });
        const progress = output.progress();
        try {
          const found = await recommendFor(run, {
            user: options.user,
            k: options.k,
            includeSeen: options.includeSeen === true,
            root: options.data,
            onProgress: watchLoading(progress),
          });
          progress.done();
          for (const note of found.notes) output.warn(note);
          output.result(found, () => recommendationText(found, output));
        } finally {
          await run.release();
        }
      });
  },
};

/** Who the user is, what they liked lately, and the list. */
export function recommendationText({ user, items, recent, seen }: Recommendations, { colors }: Output): string {
  const about = described(user);
  const columns = Object.keys(items[0]?.display ?? {});
  const rows = items.map(({ rank, key, display, probability }) => [
    rank,
    key,
    ...columns.map((name) => display[name] ?? undefined),
    probability.toFixed(3),
  ]);
  const lines = [
    `${colors.bold(`user ${user.key}`)}${about === '' ? '' : `  ${about}`}`,
    ...(recent.length === 0
      ? []
      : ['lately chosen, newest first:', ...recent.map((one) => `  ${one.key}  ${described(one)}`.trimEnd())]),
    '',
    table([['', 'item', ...columns, 'score'], ...rows]),
  ];
  if (seen > 0) lines.push('', `${seen} items the user has seen are left out.`);
  return lines.join('\n');
}

function described({ display }: Described): string {
  return Object.entries(display)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}
