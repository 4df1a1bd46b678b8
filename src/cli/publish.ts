import { InvalidArgumentError } from 'commander';
import { readCascade } from '../cascade/config.js';
import { TwoTowerError } from '../errors.js';
import { formatMetric } from '../evaluation/report.js';
import type { Phase } from '../serving/contract.js';
import { describeAnyStore, publishAnywhere, rollBackAnywhere, useVersionAnywhere } from '../serving/s3/any-store.js';
import type { Pointer } from '../serving/store.js';
import { DEFAULT_KEEP, type PhasePlan } from '../serving/write-phase.js';
import { count } from './format.js';
import { collect, examples } from './options.js';
import type { Output } from './output.js';
import { table } from './table.js';
import type { Verb } from './verb.js';
import { watchLoading } from './watch.js';

interface Options {
  to: string;
  retrieve?: string;
  prerank?: string;
  rank?: string;
  cascade?: string;
  keep?: string[];
  budget?: string[];
  share?: number;
  data?: string;
  use?: string;
  rollback?: boolean;
  list?: boolean;
}

export const publish: Verb = {
  register(program, output) {
    program
      .command('publish')
      .description('write runs as a version of a store that can be served, and make it current')
      .argument('[runs...]', 'run folders in the order of the cascade: retrieve, rank; or retrieve, prerank, rank')
      .requiredOption('--to <store>', 'folder of the store, or s3://BUCKET/PREFIX')
      .option('--retrieve <run>', 'run that retrieves, instead of an argument')
      .option('--prerank <run>', 'run that thins out what was retrieved')
      .option('--rank <run>', 'run that orders the rest')
      .option('--cascade <file>', 'a cascade (YAML) that names runs and how many items they keep')
      .option('--keep <phase=n>', 'items a phase hands on (retrieve=500, prerank=100, rank=20)', collect)
      .option('--budget <phase=ms>', 'milliseconds a phase may take; it is skipped where they do not suffice', collect)
      .option('--share <number>', 'give the version this share of the users, beside the current one', shareOf)
      .option('--data <dir>', 'folder of the data files, if they have moved')
      .option('--use <version>', 'publish nothing: make a version of the store current (or give it a --share)')
      .option('--rollback', 'publish nothing: end a trial, or go back to the version that was current before')
      .option('--list', 'publish nothing: show the versions of the store')
      .addHelpText(
        'after',
        examples(
          'twotower publish runs/youtube-dnn-kuairand-1 runs/ranktower-kuairand-1 runs/dcn-v2-kuairand-1 --to store',
          'twotower publish --cascade cascade.yaml --to store --budget rank=8',
          'twotower publish --rollback --to store',
          'twotower publish --cascade cascade.yaml --to s3://models/shop',
        ),
      )
      .action(async (runs: string[], options: Options) => {
        if (options.list) return list(options.to, output);
        if (options.rollback) return moved(await rollBackAnywhere(options.to), output);
        if (options.use !== undefined)
          return moved(await useVersionAnywhere(options.to, options.use, options.share), output);
        const progress = output.progress();
        const done = await publishAnywhere({
          phases: plansOf(runs, options),
          store: options.to,
          data: options.data,
          share: options.share,
          onProgress: watchLoading(progress),
          warn: output.warn,
        }).finally(() => progress.done());
        const { id, folder, manifest, pointer, verified } = done;
        output.result({ id, folder, pointer, verified, manifest }, () => {
          const rows = manifest.phases.map(({ phase, model, keep, budgetMs, metrics }) => [
            phase,
            model,
            keep,
            budgetMs === undefined ? undefined : `${budgetMs} ms`,
            metrics.auc === undefined ? undefined : formatMetric(metrics.auc),
          ]);
          return [
            table([['phase', 'model', 'keeps', 'budget', 'auc'], ...rows]),
            '',
            `${count(manifest.items)} items, ${count(manifest.users)} users`,
            `${count(verified.pairs)} scores compared with the runs: largest difference ${verified.largestDifference.toExponential(1)}`,
            pointerText(pointer),
          ].join('\n');
        });
      });
  },
};

function plansOf(runs: readonly string[], options: Options): PhasePlan[] {
  const named = new Map<Phase, { run: string; keep?: number }>();
  const add = (phase: Phase, plan: { run: string; keep?: number }) => {
    if (named.has(phase)) throw new TwoTowerError('USAGE', `two runs are to ${phase}`, 'Name one run for each phase.');
    named.set(phase, plan);
  };
  if (options.cascade !== undefined) {
    const cascade = readCascade(options.cascade);
    for (const phase of ['retrieve', 'prerank', 'rank'] as const) {
      const stage = cascade[phase];
      if (stage !== undefined) add(phase, { run: stage.run, keep: stage.items });
    }
  }
  const order: readonly Phase[][] = [[], ['retrieve'], ['retrieve', 'rank'], ['retrieve', 'prerank', 'rank']];
  const places = order[runs.length];
  if (places === undefined)
    throw new TwoTowerError('USAGE', `${runs.length} runs are given`, 'A cascade has at most three.');
  for (const [i, run] of runs.entries()) add(places[i]!, { run });
  for (const phase of ['retrieve', 'prerank', 'rank'] as const) {
    const run = options[phase];
    if (run !== undefined) add(phase, { run });
  }
  const keeps = byPhase('--keep', options.keep, (value) => Number.isInteger(value) && value >= 1);
  const budgets = byPhase('--budget', options.budget, (value) => value > 0 && Number.isFinite(value));
  for (const phase of [...keeps.keys(), ...budgets.keys()]) {
    if (!named.has(phase))
      throw new TwoTowerError('USAGE', `there is no run to ${phase}`, `Name it with --${phase} RUN.`);
  }
  return [...named].map(([phase, { run, keep }]) => {
    const budgetMs = budgets.get(phase);
    return {
      phase,
      run,
      keep: keeps.get(phase) ?? keep ?? DEFAULT_KEEP[phase],
      ...(budgetMs !== undefined && { budgetMs }),
    };
  });
}

function byPhase(
  option: string,
  given: readonly string[] = [],
  isValid: (value: number) => boolean,
): Map<Phase, number> {
  return new Map(
    given.map((text) => {
      const [, phase, number] = /^(retrieve|prerank|rank)=(.+)$/.exec(text) ?? [];
      const value = Number(number);
      if (phase === undefined || !isValid(value)) {
        throw new TwoTowerError(
          'USAGE',
          `${option} ${text}`,
          `Write ${option} rank=20; phases are retrieve, prerank and rank.`,
        );
      }
      return [phase as Phase, value];
    }),
  );
}

function shareOf(text: string): number {
  const share = Number(text);
  if (text.trim() === '' || !(share > 0 && share < 1))
    throw new InvalidArgumentError('It must be a number above 0 and below 1.');
  return share;
}

function moved(pointer: Pointer, output: Output): void {
  output.result(pointer, () => pointerText(pointer));
}

function pointerText({ current, trial }: Pointer): string {
  const now = `current: ${current}`;
  return trial === undefined ? now : `${now}, ${trial.version} for ${(100 * trial.share).toFixed(1)} % of the users`;
}

async function list(store: string, output: Output): Promise<void> {
  const versions = await describeAnyStore(store);
  output.result({ versions }, () => {
    if (versions.length === 0) return `${store} has no versions`;
    const rows = versions.map(({ id, manifest, share }) => [
      id,
      share === 0 ? undefined : `${(100 * share).toFixed(1)} %`,
      manifest?.dataset ?? 'damaged',
      manifest?.phases.map(({ phase, model, keep }) => `${phase} ${model} ${keep}`).join(', '),
      manifest === undefined ? undefined : count(manifest.items),
    ]);
    return table([['version', 'users', 'dataset', 'phases', 'items'], ...rows]);
  });
}
