import { inspectDataset, inspectionLines } from '../data/inspect.js';
import { examples, wholeNumber } from './options.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

export const data: Verb = {
  register(program, output) {
    program
      .command('data')
      .description('look at datasets')
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
  },
};
