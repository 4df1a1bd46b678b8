import { InvalidArgumentError } from 'commander';
import { inspectionLines, summarise } from '../data/inspect.js';
import { loadWithReport } from '../data/load.js';
import { scoreColumnMetrics } from '../evaluation/score-columns.js';
import { auditDataset, auditLines } from '../leaderboard/audit/audit.js';
import { registerGenerate } from './data-generate.js';
import { examples, wholeNumber } from './options.js';
import { table } from './table.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

interface AuditFlags {
  data?: string;
  label?: string;
  threshold: number;
  maxBadRows: number;
}

/** How well the score columns of a log, if it has any, tell its label. */
function scoreLines(scores: ReturnType<typeof scoreColumnMetrics>): string[] {
  if (scores.length === 0) return [];
  const four = (value: number | null) => (value === null ? '–' : value.toFixed(4));
  const rows = scores.map(({ name, auc, gauc, logloss }) => [name, four(auc), four(gauc), four(logloss)]);
  return ['', 'scores of the log, on the test part', table([['', 'auc', 'gauc', 'logloss'], ...rows])];
}

function areaOption(text: string): number {
  const value = Number(text);
  if (!(value > 0.5 && value < 1)) throw new InvalidArgumentError('It must lie between 0.5 and 1.');
  return value;
}

export const data: Verb = {
  register(program, output) {
    const group = program.command('data').description('look at datasets, and make them');
    group
      .command('inspect')
      .description('tables, counts, time span, label rates, split sizes and problems of a dataset')
      .argument('<dataset>', 'dataset description (YAML), or the name of a bundled one')
      .option('--data <dir>', 'folder of the data files, instead of the one the description names')
      .option('--max-bad-rows <n>', 'bad rows to skip and count before giving up', wholeNumber(0), 0)
      .addHelpText('after', examples('twotower data inspect kuairand-pure', 'twotower data inspect my-shop.yaml'))
      .action(async (dataset: string, options: { data?: string; maxBadRows: number }) => {
        const progress = output.progress();
        const { dataset: loaded, report } = await loadWithReport(dataset, {
          maxBadRows: options.maxBadRows,
          ...(options.data !== undefined && { root: options.data }),
          onProgress: watchLoading(progress),
        });
        progress.done();
        const inspection = summarise(loaded, report);
        const scores = scoreColumnMetrics(loaded, loaded.splits.test);
        output.result({ ...inspection, scores }, () =>
          [...inspectionLines(inspection), ...scoreLines(scores)].join('\n'),
        );
      });
    group
      .command('audit')
      .description('look for what makes offline figures better than they are: leaks, overlaps, duplicates')
      .argument('<dataset>', 'dataset description (YAML), or the name of a bundled one')
      .option('--data <dir>', 'folder of the data files, instead of the one the description names')
      .option('--label <name>', "feedback column, instead of the dataset's label")
      .option('--threshold <auc>', 'AUC above which a single feature is suspicious', areaOption, 0.8)
      .option('--max-bad-rows <n>', 'bad rows to skip and count before giving up', wholeNumber(0), 0)
      .addHelpText('after', examples('twotower data audit kuairand-pure', 'twotower data audit my-shop.yaml'))
      .action(async (dataset: string, options: AuditFlags) => {
        const { data: root, label, threshold, maxBadRows } = options;
        const progress = output.progress();
        const onProgress = watchLoading(progress);
        const audit = await auditDataset(dataset, { root, label, threshold, maxBadRows, onProgress });
        progress.done();
        output.result(audit, () => auditLines(audit).join('\n'));
      });
    registerGenerate(group, output);
  },
};
