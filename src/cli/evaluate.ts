import { Option } from 'commander';
import type { SplitName } from '../data/dataset.js';
import { resultToJson, resultToTable } from '../evaluation/report.js';
import { evaluateRun } from '../runs/evaluate.js';
import { openRun } from '../runs/open.js';
import { examples } from './options.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

export const evaluate: Verb = {
  register(program, output) {
    program
      .command('evaluate')
      .description('measure a run on a part of its data')
      .argument('<run>', 'run folder')
      .addOption(new Option('--split <part>', 'which part').choices(['test', 'validation', 'train']).default('test'))
      .option('--data <dir>', 'folder of the data files, if they have moved')
      .addHelpText('after', examples('twotower evaluate runs/dssm-kuairand-1 --split validation'))
      .action(async (folder: string, { split, data }: { split: SplitName; data?: string }) => {
        const run = await openRun(folder, { warn: output.warn });
        const progress = output.progress();
        try {
          const result = await evaluateRun(run, {
            split,
            root: data,
            onProgress: watchLoading(progress),
            onEvaluating: (done) => progress.update(() => `evaluating ${split}  ${Math.floor(done * 100)} %`),
          });
          progress.done();
          output.result({ run: folder, split, step: run.step, ...resultToJson(result) }, () => resultToTable(result));
        } finally {
          await run.release();
        }
      });
  },
};
