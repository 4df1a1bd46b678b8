import { type Command, InvalidArgumentError } from 'commander';
import { funnelOptions } from '../data/funnel/options.js';
import { writeFunnel } from '../data/funnel/write.js';
import { TwoTowerError } from '../errors.js';
import { refuseUsedFolder } from '../runs/folder.js';
import { problemsOf } from '../yaml.js';
import { count, shellWord } from './format.js';
import { examples, wholeNumber } from './options.js';
import type { Output } from './output.js';

interface Flags {
  out: string;
  cascade?: number[];
  [option: string]: unknown;
}

function someNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function sizes(text: string): number[] {
  const values = text.split(',').map(wholeNumber(1));
  if (values.length !== 4) throw new InvalidArgumentError('Four numbers: retrieved,pre-ranked,ranked,shown.');
  return values;
}

/** `data generate`: logs whose truth is known. */
export function registerGenerate(group: Command, output: Output): void {
  const generate = group.command('generate').description('make a log whose truth is known');
  const { shape } = funnelOptions;
  const what = (name: keyof typeof shape) => shape[name].description ?? '';
  generate
    .command('funnel')
    .description('a cascade of retrieval, pre-ranking and ranking that shows items, and users who click')
    .requiredOption('--out <dir>', 'folder of the dataset')
    .option('--users <n>', what('users'), wholeNumber(1))
    .option('--items <n>', what('items'), wholeNumber(1))
    .option('--days <n>', what('days'), wholeNumber(1))
    .option('--seed <n>', what('seed'), wholeNumber(0))
    .option('--requests-per-day <x>', what('requestsPerDay'), someNumber)
    .option('--interaction <x>', what('interaction'), someNumber)
    .option('--drift <x>', what('drift'), someNumber)
    .option('--new-items <x>', what('newItems'), someNumber)
    .option('--position-bias <x>', what('positionBias'), someNumber)
    .option('--cascade <sizes>', 'items that its phases hand on: retrieved,pre-ranked,ranked,shown', sizes)
    .option('--candidates <n>', what('candidates'), wholeNumber(0))
    .addHelpText(
      'after',
      examples('twotower data generate funnel --users 3000 --items 2000 --days 14 --out data/world'),
    )
    .action(async ({ out, cascade, ...said }: Flags) => {
      const [retrieve, prerank, rank, shown] = cascade ?? [];
      const given = { ...said, ...(cascade && { cascade: { retrieve, prerank, rank, shown } }) };
      const parsed = funnelOptions.safeParse(given);
      if (!parsed.success) {
        const problems = problemsOf(parsed.error, funnelOptions, given);
        const lines = problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
        throw new TwoTowerError(
          'USAGE',
          lines.join('\n'),
          'Correct the options: twotower data generate funnel --help.',
        );
      }
      refuseUsedFolder(out);
      const progress = output.progress();
      const summary = await writeFunnel(out, parsed.data, (done) =>
        progress.update(() => `generating  ${Math.floor(done * 100)} %`, done),
      );
      progress.done();
      output.result(summary, () => {
        const { file, requests, shown, clicks, unshown } = summary;
        return [
          `${count(shown)} items shown in ${count(requests)} requests, ${count(clicks)} clicks; ${count(unshown)} items that were considered and not shown`,
          '',
          'next',
          `  twotower data inspect ${shellWord(file)}`,
        ].join('\n');
      });
    });
}
