import { statSync } from 'node:fs';
import { TwoTowerError } from '../errors.js';
import { inspectConfig, inspectRun, type ModelInspection } from '../runs/inspect.js';
import { openRun } from '../runs/open.js';
import { readConfig } from '../runs/read-config.js';
import { bytes, count } from './format.js';
import { collect, examples } from './options.js';
import type { Output } from './output.js';
import { table } from './table.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

export const inspect: Verb = {
  register(program, output) {
    program
      .command('inspect')
      .description('features, vocabularies, parameters and cost of a model')
      .argument('<config|run>', 'training configuration (YAML) or run folder')
      .option('--set <key=value>', 'change one key of the configuration; may be repeated', collect)
      .addHelpText(
        'after',
        examples('twotower inspect configs/dssm-kuairand.yaml', 'twotower inspect runs/dssm-kuairand-1'),
      )
      .action(async (path: string, { set = [] }: { set?: string[] }) => {
        const inspection = await inspectionOf(path, set, output);
        output.result(inspection, () => inspectionText(inspection));
      });
  },
};

async function inspectionOf(path: string, assignments: string[], output: Output): Promise<ModelInspection> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    const config = readConfig(path, assignments);
    const progress = output.progress();
    try {
      return await inspectConfig(config, { onProgress: watchLoading(progress) });
    } finally {
      progress.done();
    }
  }
  if (assignments.length > 0) {
    throw new TwoTowerError(
      'USAGE',
      `--set ${assignments[0]}: ${path} is a run, which is trained already`,
      'Leave it out, or inspect a configuration.',
    );
  }
  const run = await openRun(path, { warn: output.warn });
  try {
    return inspectRun(run);
  } finally {
    await run.release();
  }
}

const UNITS: Record<string, string> = {
  item: 'per item',
  user: 'per request',
  score: 'per candidate',
  rerank: 'per list, for each candidate',
};

function inspectionText({ model, features, parameters, cost }: ModelInspection): string {
  const { name, ...options } = model;
  const rows = features.map((feature) => [
    feature.owner,
    feature.name,
    feature.encoding,
    feature.rows === undefined ? undefined : count(feature.rows),
    feature.maxLength,
    feature.width,
    feature.vocabulary ?? '',
  ]);
  const scopes = Object.entries(parameters.scopes).sort(([, a], [, b]) => b - a);
  // A vocabulary of three values is not worth a line.
  const small = scopes.filter(([scope, size]) => scope.startsWith('tables/') && size < parameters.total / 1000);
  const large = scopes.filter((one) => !small.includes(one)).map(([scope, size]) => [scope, count(size)]);
  if (small.length > 0) {
    large.push([`${small.length} small tables`, count(small.reduce((sum, [, size]) => sum + size, 0))]);
  }
  return [
    `${name}  ${Object.entries(options)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join(' ')}`,
    '',
    table([['owner', 'feature', 'encoding', 'rows', 'at most', 'width', 'vocabulary'], ...rows]),
    '',
    table([
      ['parameters of', 'count'],
      ...large,
      ['all tables', count(parameters.tables)],
      ['all dense', count(parameters.dense)],
      ...(parameters.statistics === 0 ? [] : [['running statistics', count(parameters.statistics)]]),
      ['total', count(parameters.total)],
    ]),
    '',
    table([
      ['part', 'runs', 'FLOPs', 'multiply-adds in matrices', 'input', 'weights read', 'state or logit'],
      ...Object.entries(cost).map(([part, one]) => [
        part,
        UNITS[part] ?? '',
        count(one.flops),
        count(one.multiplyAdds),
        bytes(one.inputBytes),
        bytes(one.parameterBytes),
        bytes(one.outputBytes),
      ]),
    ]),
  ].join('\n');
}
