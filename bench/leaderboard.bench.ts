import { join, resolve } from 'node:path';
import { didYouMean, TwoTowerError } from '../src/errors.js';
import { formatMetric } from '../src/evaluation/report.js';
import { compare } from '../src/leaderboard/compare.js';
import { readLeaderboard } from '../src/leaderboard/config.js';
import { writeLeaderboard } from '../src/leaderboard/report/write.js';
import type { Leaderboard, TableResult } from '../src/leaderboard/results.js';
import { packagePath } from '../src/package-root.js';
import { option } from './protocol.js';
import { readResults, writeResults } from './results.js';

export const name = 'leaderboard';
export const description =
  'a leaderboard of leaderboards/, for docs/leaderboard.md: leaderboard NAME [--tables PROTOCOL,…: the others stay as they were] [--data FOLDER] [--out FOLDER]';

/** As `twotower compare` does; `--data` is the folder of a log that does not come with the package. */
export async function run([name = 'kuairand-pure', ...args]: readonly string[]): Promise<void> {
  const plan = readLeaderboard(packagePath('leaderboards', `${name}.yaml`));
  const root = option(args, '--data', '');
  const only = option(args, '--tables', '').split(',').filter(Boolean);
  const known = plan.tables.map(({ protocol }) => protocol.name);
  const strange = only.find((table) => !known.includes(table));
  if (strange !== undefined)
    throw new TwoTowerError('USAGE', `${name} has no table "${strange}", ${didYouMean(strange, known)}`);
  const out = resolve(option(args, '--out', join('comparisons', name)));
  const tables = plan.tables
    .filter(({ protocol }) => only.length === 0 || only.includes(protocol.name))
    .map((table) => ({
      ...table,
      models: new Map(
        [...table.models].map(([model, config]) => [
          model,
          root === '' ? config : { ...config, data: { ...config.data, root: resolve(root) } },
        ]),
      ),
    }));
  let begun = performance.now();
  let kept = 0;
  /** How long each table took; its judging counts to the one after, if there is one. */
  const minutes: Record<string, number> = {};
  const board = await compare(
    { ...plan, tables },
    {
      out,
      onEvent(event) {
        if (event.type === 'judging') {
          // Of a table that went on with what was there, the time says nothing.
          if (kept === 0) minutes[event.protocol] = (performance.now() - begun) / 60_000;
          [begun, kept] = [performance.now(), 0];
        }
        if (event.type !== 'end') return;
        if (event.kept) kept++;
        else console.log(line(event, tables));
      },
    },
  );
  const last = tables.at(-1)?.protocol.name ?? '';
  if (minutes[last] !== undefined) minutes[last] += (performance.now() - begun) / 60_000;
  await writeLeaderboard(board, out);
  const figures = withoutCurves(board);
  const earlier = readResults<Earlier>(`leaderboard-${name}`);
  const isPart = tables.length < plan.tables.length;
  await writeResults(`leaderboard-${name}`, {
    minutes: isPart ? { ...earlier?.minutes, ...minutes } : minutes,
    ...figures,
    tables: isPart ? besideOthers(plan, figures.tables, earlier?.tables ?? []) : figures.tables,
  });
}

interface Named {
  protocol: { name: string };
}
interface Earlier {
  minutes?: Record<string, number>;
  tables: Named[];
}

/** The tables that were made, and of those that were not asked for what an earlier run found, in the order of the leaderboard. */
function besideOthers(plan: { tables: readonly Named[] }, made: readonly Named[], earlier: readonly Named[]): Named[] {
  return plan.tables.flatMap(({ protocol }) => {
    const isIt = (table: Named) => table.protocol.name === protocol.name;
    return made.find(isIt) ?? earlier.find(isIt) ?? [];
  });
}

function line(
  {
    cell,
    result,
    done,
    total,
    seconds,
  }: Extract<Parameters<NonNullable<Parameters<typeof compare>[1]['onEvent']>>[0], { type: 'end' }>,
  tables: readonly { protocol: TableResult['protocol'] }[],
): string {
  const metric = tables.find(({ protocol }) => protocol.name === cell.protocol)!.protocol.metrics[0]!;
  const found =
    'diverged' in result ? 'diverged' : `${metric} ${formatMetric(result.measured.test.metrics[metric] ?? undefined)}`;
  return `${done}/${total}  ${cell.protocol}  ${cell.model}  seed ${cell.seed}  ${found}  ${seconds.toFixed(0)} s`;
}

/** What tables are made of: every figure of every run, none of the steps on the way there, and not where a log lay. */
function withoutCurves(board: Leaderboard) {
  return {
    ...board,
    tables: board.tables.map((table) => ({
      ...table,
      models: table.models.map(({ calibration: _, runs, config, ...model }) => ({
        ...model,
        config: { ...config, data: { ...config.data, root: undefined } },
        runs: runs.map(({ curve: _, environment: __, model: ___, ...figures }) => figures),
      })),
    })),
  };
}
