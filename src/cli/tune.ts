import { basename, join } from 'node:path';
import { formatMetric } from '../evaluation/report.js';
import { shareCores } from '../leaderboard/parallel/shares.js';
import { readSpace } from '../leaderboard/tune/propose.js';
import { TUNE_FILES, type TuneEvent, type TuneResult, tune as tuneModel } from '../leaderboard/tune/tune.js';
import { loadRunData } from '../runs/data.js';
import { readConfig } from '../runs/read-config.js';
import { count, shellWord } from './format.js';
import { program as called } from './invocation.js';
import { collect, examples, wholeNumber } from './options.js';
import type { Output } from './output.js';
import { stopOnSignal } from './stop.js';
import { table } from './table.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';
import { watchRuns } from './watch-runs.js';

interface Options {
  trials: number;
  search?: string;
  seed: number;
  parallel?: number;
  set?: string[];
  out?: string;
  data?: string;
}

export const tune: Verb = {
  register(program, output) {
    program
      .command('tune')
      .description('search for better options, judged on the validation part alone')
      .argument('<config>', 'training configuration (YAML)')
      .option('--trials <n>', 'configurations to try, the given one among them', wholeNumber(1), 20)
      .option('--search <file>', 'search space (YAML), instead of what the model declares: see docs/leaderboard.md')
      .option(
        '--parallel <n>',
        'trials at a time (default: one a core); nothing but times depends on it',
        wholeNumber(1),
      )
      .option('--seed <n>', 'of the search; another one tries others', wholeNumber(0), 1)
      .option('--set <key=value>', 'change one key of the configuration; may be repeated', collect)
      .option('--out <dir>', 'folder of the search; what is done there is kept (default: comparisons/tune-NAME)')
      .option('--data <dir>', 'folder of the data files, as --set data.root=DIR')
      .addHelpText(
        'after',
        examples('twotower tune configs/dssm-kuairand.yaml --trials 12 --out comparisons/tune-dssm'),
      )
      .action(async (file: string, options: Options) => {
        const { trials, search, seed, set = [], data } = options;
        const config = readConfig(file, [...set, ...(data === undefined ? [] : [`data.root=${JSON.stringify(data)}`])]);
        const wanted = { parallel: options.parallel ?? 0, threads: config.threads };
        const { parallel, threads } = shareCores(wanted, trials);
        const space = search === undefined ? undefined : readSpace(search);
        const out = options.out ?? join('comparisons', `tune-${basename(file).replace(/\.[^.]*$/, '')}`);
        const progress = output.progress();
        const dataset = await loadRunData(config, { onProgress: watchLoading(progress) });
        const onEvent = watchTrials(output);
        const result = await stopOnSignal(
          output,
          (signal) => tuneModel(config, { out, dataset, trials, space, seed, parallel, threads, onEvent, signal }),
          progress.done,
        );
        progress.done();
        output.result({ out, ...result }, () =>
          [
            table(rowsOf(result)),
            '',
            `best: trial ${result.best}${result.best === 1 ? ', the configuration as it is' : ''}, ${result.metric} on validation ${formatMetric(result.trials[0]!.value)}`,
            `${out}: ${Object.values(TUNE_FILES).join(', ')}`,
            '',
            'next',
            `  ${output.colors.cyan(`${called()} train ${shellWord(join(out, TUNE_FILES.config))}`)}`,
          ].join('\n'),
        );
      });
  },
};

function rowsOf({ trials, metric, space }: TuneResult): (string | number | undefined)[][] {
  const keys = Object.keys(space);
  const short = keys.map((key) => key.slice(key.lastIndexOf('.') + 1));
  return [
    ['trial', `best ${metric}`, 'validations', ...short, ''],
    ...trials.map(({ number, value, values, changes, ended, failed }) => [
      number,
      value === undefined ? undefined : formatMetric(value),
      values.length,
      ...keys.map((key) => (key in changes ? JSON.stringify(changes[key]) : 'as it is')),
      failed !== undefined ? `failed: ${failed}` : ended ? 'to its end' : 'stopped early',
    ]),
  ];
}

/** A line per trial and rung, in the order in which they end; below it what is under way. */
function watchTrials(output: Output): (event: TuneEvent) => void {
  let [ended, total] = [0, 1];
  const watch = watchRuns(output, (shares) => (ended + shares.reduce((a, b) => a + b, 0)) / total);
  const nameOf = (number: number) => `trial ${number}`;
  return (event) => {
    if (event.type === 'run') watch.onEvent(nameOf(event.trial.number), event.event);
    else if (event.type === 'begin') watch.begin(nameOf(event.trial.number));
    else if (event.type === 'rung') {
      const { rung, rungs, trials, validations } = event;
      [ended, total] = [0, trials];
      const until = validations === undefined ? 'to their end' : `until validation ${validations}`;
      watch.note(`rung ${rung} of ${rungs}: ${count(trials)} ${trials === 1 ? 'trial' : 'trials'} ${until}`);
    } else {
      const { trial, state, value } = event;
      ended++;
      watch.end(nameOf(trial.number), `  trial ${trial.number}  ${state.failed ?? formatMetric(value)}`);
    }
  };
}
