import { InvalidArgumentError } from 'commander';
import { inspectDataset, inspectionLines } from '../data/inspect.js';
import { auditDataset, auditLines } from '../leaderboard/audit/audit.js';
import { examples, wholeNumber } from './options.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

interface AuditFlags {
  data?: string;
  label?: string;
  threshold: number;
  maxBadRows: number;
}

function areaOption(text: string): number {
  const value = Number(text);
  if (!(value > 0.5 && value < 1)) throw new InvalidArgumentError('It must lie between 0.5 and 1.');
  return value;
}

export const data: Verb = {
  register(program, output) {
    const group = program.command('data').description('look at datasets');
    group
      .command('inspect')
      .description('tables, counts, time span, label rates, split sizes and problems of a dataset')
      .argument('<dataset>', 'dataset description (YAML), or the name of a bundled one')
      .option('--data <dir>', 'folder of the data files, instead of the one the description names')
      .option('--max-bad-rows <n>', 'bad rows to skip and count before giving up', wholeNumber(0), 0)
      .addHelpText('after', examples('twotower data inspect kuairand-pure', 'twotower data inspect my-shop.yaml'))
      .action(async (dataset: string, options: { data?: string; maxBadRows: number }) => {
        const progress = output.progress();
        const inspection = await inspectDataset(dataset, {
          maxBadRows: options.maxBadRows,
          ...(options.data !== undefined && { root: options.data }),
          onProgress: watchLoading(progress),
        });
        progress.done();
        output.result(inspection, () => inspectionLines(inspection).join('\n'));
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
  },
};
