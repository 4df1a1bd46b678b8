import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type CascadeConfig, readCascade } from '../cascade/config.js';
import { evaluateCascade } from '../cascade/evaluate.js';
import { mineCandidates } from '../cascade/mine.js';
import { type Cascade, type OpenCascadeOptions, openCascade } from '../cascade/open.js';
import { introduction, reportTables } from '../cascade/report/text.js';
import { REPORT_FILES, writeReport } from '../cascade/report/write.js';
import { TwoTowerError } from '../errors.js';
import { refuseUsedFolder } from '../runs/folder.js';
import { refuseUnwritable } from '../runs/writable.js';
import { count } from './format.js';
import { examples } from './options.js';
import type { Output } from './output.js';
import type { Progress } from './progress.js';
import { table } from './table.js';
import { freeFolder } from './train.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

export const cascade: Verb = {
  register(program, output) {
    const group = program.command('cascade').description('run retrieval, pre-ranking and ranking behind each other');
    group
      .command('evaluate')
      .description('measure the whole funnel on held-out requests')
      .argument('<cascade>', 'cascade (YAML): see docs/cascade.md')
      .option('--out <dir>', 'folder of the report (default: the next free reports/NAME-1, reports/NAME-2, …)')
      .option('--data <dir>', 'folder of the data files, if they have moved')
      .addHelpText('after', examples('twotower cascade evaluate cascade.yaml --out reports/first'))
      .action(async (file: string, options: { out?: string; data?: string }) => {
        const config = readCascade(file);
        const out = options.out ?? freeFolder('reports', file.replace(/^.*[/\\]/, ''));
        refuseUsedFolder(out);
        const report = await withCascade(config, { root: options.data }, output, (opened, progress) =>
          evaluateCascade(opened, (what, done) => progress.update(() => `${what}  ${Math.floor(done * 100)} %`, done)),
        );
        await writeReport(report, out);
        output.result({ out, ...report }, () =>
          [
            ...introduction(report),
            ...reportTables(report).flatMap(({ title, rows }) => ['', output.colors.bold(title), table(rows)]),
            '',
            `${out}: ${Object.values(REPORT_FILES).join(', ')}`,
          ].join('\n'),
        );
      });
    group
      .command('mine')
      .description('find candidates for the requests of the training part')
      .argument('<cascade>', 'cascade (YAML): see docs/cascade.md')
      .requiredOption('--out <file>', 'Parquet file to write')
      .option('--data <dir>', 'folder of the data files, if they have moved')
      .addHelpText('after', examples('twotower cascade mine cascade.yaml --out candidates.parquet'))
      .action(async (file: string, options: { out: string; data?: string }) => {
        if (!options.out.endsWith('.parquet')) {
          throw new TwoTowerError('USAGE', `--out ${options.out}`, 'Name a file that ends in .parquet.');
        }
        refuseUnwritable(dirname(options.out));
        if (statSync(options.out, { throwIfNoEntry: false })?.isDirectory()) {
          throw new TwoTowerError('USAGE', `--out ${options.out}: it is a folder`, 'Name a file.');
        }
        const report = await withCascade(readCascade(file), { root: options.data }, output, (opened, progress) =>
          mineCandidates(opened, resolve(options.out), (done) =>
            progress.update(() => `mining  ${Math.floor(done * 100)} %`, done),
          ),
        );
        output.result(report, () => mined(report));
      });
  },
};

/** Opens a cascade, does something with it, and closes it whatever happens. */
export async function withCascade<T>(
  config: CascadeConfig,
  options: Pick<OpenCascadeOptions, 'root' | 'loaded'>,
  output: Output,
  work: (cascade: Cascade, progress: Progress) => Promise<T>,
): Promise<T> {
  const progress = output.progress();
  const opened = await openCascade(config, { ...options, warn: output.warn, onProgress: watchLoading(progress) });
  try {
    return await work(opened, progress);
  } finally {
    progress.done();
    await opened.release();
  }
}

function mined({
  file,
  requests,
  candidates,
  untaught,
  seenUntil,
}: Awaited<ReturnType<typeof mineCandidates>>): string {
  const until = new Date(seenUntil * 1e3).toISOString();
  const lines = [
    `${count(candidates)} candidates for ${count(requests.mined)} of ${count(requests.total)} requests of the training part: ${file}`,
    `${count(requests.seen)} requests are not mined: the runs saw the log until ${until}`,
  ];
  if (untaught > 0) lines.push(`${count(untaught)} mined requests have no teacher scores: the rank run saw them`);
  return lines.join('\n');
}
