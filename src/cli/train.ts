import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { joinRanks } from '../distributed/join.js';
import type { Ranks } from '../distributed/ranks.js';
import { TwoTowerError } from '../errors.js';
import { formatMetric } from '../evaluation/report.js';
import type { RunConfig } from '../runs/config.js';
import { RUN_FILES, readRun } from '../runs/folder.js';
import { readConfig } from '../runs/read-config.js';
import { type RunResult, trainRun } from '../runs/train.js';
import { count, shellWord } from './format.js';
import { program } from './invocation.js';
import { collect, examples, wholeNumber } from './options.js';
import type { Output } from './output.js';
import { stopOnSignal } from './stop.js';
import { table } from './table.js';
import { trainOnRanks } from './train-ranks.js';
import type { Verb } from './verb.js';
import { watchRun } from './watch.js';

interface Plan {
  config: RunConfig;
  out: string;
}

interface Options {
  set?: string[];
  out?: string;
  resume?: boolean;
  data?: string;
  maxBadRows?: number;
  teacher?: string;
}

export const train: Verb = {
  register(cli, output) {
    cli
      .command('train')
      .description('train a model as a configuration says, and evaluate it')
      .argument('[config]', 'training configuration (YAML); not needed with --resume')
      .option('--set <key=value>', 'change one key of the configuration; may be repeated', collect)
      .option('--out <dir>', 'run folder (default: the next free runs/NAME-1, runs/NAME-2, …)')
      .option('--resume', 'continue the run in --out where it stopped')
      .option('--teacher <run>', 'run whose scores the distilling losses learn from, as --set training.teacher.run=RUN')
      .option('--data <dir>', 'folder of the data files, as --set data.root=DIR')
      .option('--max-bad-rows <n>', 'bad rows to skip and count, as --set data.maxBadRows=N', wholeNumber(0))
      .addHelpText(
        'after',
        examples(
          'twotower train configs/dssm-kuairand.yaml',
          'twotower train configs/dssm-kuairand.yaml --set training.epochs=3 --set model.width=64 --out runs/wide',
          'twotower train --resume --out runs/wide',
          'mpirun -n 2 twotower train configs/dssm-kuairand.yaml',
        ),
      )
      .action(async (file: string | undefined, options: Options) => {
        const ranks = await joinRanks();
        const train = ({ config, out }: Plan) => trainWatched(config, out, options.resume === true, output, { ranks });
        const plan = () => planOf(file, options);
        const result = await (ranks.size === 1 ? train(await plan()) : trainOnRanks(ranks, output, plan, train));
        if (result === undefined) return;
        const out = result.folder;
        output.result(documentOf(result), () => `${summary(result)}\n\n${nextSteps(out, output)}`);
      });
  },
};

/**
 * Trains under the eyes of the user. Ctrl-C ends the run as soon as it can be resumed (after the current step, as a rule), a
 * second one at once.
 */
export async function trainWatched(
  config: RunConfig,
  out: string,
  resume: boolean,
  output: Output,
  given: { dataset?: Dataset; ranks?: Ranks } = {},
): Promise<RunResult> {
  const watch = watchRun(output);
  try {
    return await stopOnSignal(
      output,
      (signal) => trainRun(config, { out, resume, onEvent: watch.onEvent, signal, ...given }),
      watch.done,
    );
  } finally {
    watch.done();
  }
}

/** Metrics of the best checkpoint on both held-out parts. */
export function summary({ folder, samplesPerSecond, bestStep, evaluation: { validation, test } }: RunResult): string {
  const rows = Object.keys(test.metrics).map((name) => [
    name,
    ...[validation, test].map(({ metrics }) => formatMetric(metrics[name] ?? undefined)),
  ]);
  const counted = ['samples', 'users'].map((name) => [
    name,
    ...[validation, test].map(({ counts }) => (counts[name] === undefined ? undefined : count(counts[name]))),
  ]);
  const speed = samplesPerSecond === null ? '' : `, trained at ${count(samplesPerSecond)} samples/s`;
  return `${table([['metric', 'validation', 'test'], ...rows, ...counted])}\n\n${folder}: best at step ${count(bestStep)}${speed}`;
}

function documentOf({ folder, samplesPerSecond, bestStep, evaluation }: RunResult): object {
  return { folder, bestStep, samplesPerSecond, evaluation };
}

function nextSteps(out: string, { colors }: Output): string {
  const run = shellWord(out);
  const commands = [`evaluate ${run}`, `inspect ${run}`, `export ${run} --out model`];
  return `next\n${commands.map((command) => `  ${colors.cyan(`${program()} ${command}`)}`).join('\n')}`;
}

/** What is trained, and where, by the words of the command line. @throws USAGE, CONFIG_UNREADABLE, CONFIG_INVALID */
export async function planOf(file: string | undefined, options: Options): Promise<Plan> {
  if (options.resume !== true) {
    if (file === undefined) {
      throw new TwoTowerError('USAGE', 'there is no configuration to train', 'twotower train CONFIG.yaml');
    }
    const config = readConfig(file, assignmentsOf(file, options));
    return { config, out: options.out ?? freeFolder('runs', basename(file)) };
  }
  const { out } = options;
  if (out === undefined) {
    throw new TwoTowerError('USAGE', '--resume needs the run folder', 'twotower train --resume --out DIR');
  }
  if (file !== undefined) return { config: readConfig(file, assignmentsOf(file, options)), out };
  const { config } = await readRun(out);
  const inFolder = join(out, RUN_FILES.config);
  const assignments = assignmentsOf(inFolder, options);
  return { config: assignments.length === 0 ? config : readConfig(inFolder, assignments), out };
}

/** What the options change in a configuration file, as `--set` says it. */
function assignmentsOf(file: string, { set = [], data, teacher, maxBadRows }: Options): string[] {
  return [
    ...set,
    ...(data === undefined ? [] : [`data.root=${JSON.stringify(data)}`]),
    ...(teacher === undefined ? [] : [teacherAssignment(file, teacher)]),
    ...(maxBadRows === undefined ? [] : [`data.maxBadRows=${maxBadRows}`]),
  ];
}

/** Other keys of the file's teacher stay, unless it is a score column. */
function teacherAssignment(file: string, run: string): string {
  const { teacher } = readConfig(file).training;
  return teacher !== undefined && 'column' in teacher
    ? `training.teacher=${JSON.stringify({ run })}`
    : `training.teacher.run=${JSON.stringify(run)}`;
}

/** The first of `parent/name-1`, `parent/name-2`, … after all that exist. */
export function freeFolder(parent: string, file: string): string {
  const name = file.replace(/\.[^.]*$/, '');
  const taken = existsSync(parent) ? readdirSync(parent) : [];
  const numbers = taken
    .filter((entry) => entry.startsWith(`${name}-`))
    .map((entry) => Number(entry.slice(name.length + 1)))
    .filter(Number.isInteger);
  return join(parent, `${name}-${Math.max(0, ...numbers) + 1}`);
}
