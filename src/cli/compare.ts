import { basename, join } from 'node:path';
import { formatMetric } from '../evaluation/report.js';
import type { Cell } from '../leaderboard/cell.js';
import { type CompareEvent, cellsOf, compare as compareModels } from '../leaderboard/compare.js';
import { type LeaderboardPlan, readLeaderboard } from '../leaderboard/config.js';
import { titleOf } from '../leaderboard/protocols.js';
import { gainsTable, publishedTable } from '../leaderboard/report/published-tables.js';
import { qualityTable, type ReportTable } from '../leaderboard/report/tables.js';
import { conclusions, warning } from '../leaderboard/report/words.js';
import { LEADERBOARD_FILES, writeLeaderboard } from '../leaderboard/report/write.js';
import { duration } from './format.js';
import { examples, wholeNumber } from './options.js';
import type { Output } from './output.js';
import { stopOnSignal } from './stop.js';
import { table } from './table.js';
import type { Verb } from './verb.js';
import { loadLine } from './watch.js';
import { watchRuns } from './watch-runs.js';

export const compare: Verb = {
  register(program, output) {
    program
      .command('compare')
      .description('train models under the same protocol with several seeds, and say which differences mean something')
      .argument('<leaderboard>', 'leaderboard (YAML): see docs/leaderboard.md')
      .option('--out <dir>', 'folder of runs and results; what is finished there is kept (default: comparisons/NAME)')
      .addHelpText('after', examples('twotower compare leaderboards/kuairand-pure.yaml --out comparisons/first'))
      .option(
        '--parallel <n>',
        "trainings at a time, instead of the file's (default: one a core); nothing but times depends on it",
        wholeNumber(1),
      )
      .action(async (file: string, options: { out?: string; parallel?: number }) => {
        const plan = readLeaderboard(file, options);
        const out = options.out ?? join('comparisons', basename(file).replace(/\.[^.]*$/, ''));
        const board = await stopOnSignal(output, (signal) => {
          return compareModels(plan, { out, signal, onEvent: watchCells(plan, out, output) });
        });
        await writeLeaderboard(board, out);
        output.result({ out, ...board }, () =>
          [
            ...board.tables.flatMap((one) => [
              output.colors.bold(titleOf(one.protocol)),
              ...warning(one),
              table(qualityTable(one).rows),
              qualityTable(one).note,
              ...conclusions(one),
              '',
              ...publishedTable(one).flatMap(titledTable),
            ]),
            ...gainsTable(board).flatMap(titledTable),
            `${out}: ${Object.values(LEADERBOARD_FILES).join(', ')}`,
          ].join('\n'),
        );
      });
  },
};

function titledTable({ title, note, rows }: ReportTable): string[] {
  return [title, table(rows), note, ''];
}

/** A table that grows by one line per cell, in the order in which they end; below it what is under way. */
function watchCells(plan: LeaderboardPlan, out: string, output: Output): (event: CompareEvent) => void {
  const cells = plan.tables.flatMap((one) => cellsOf(one, out));
  const titles = new Map(plan.tables.map(({ protocol }) => [protocol.name, titleOf(protocol)]));
  const widths = [(cell: Cell) => titles.get(cell.protocol)!, (cell: Cell) => cell.model].map((of) =>
    Math.max(...cells.map((cell) => of(cell).length)),
  );
  const metrics = new Map(plan.tables.map(({ protocol }) => [protocol.name, protocol.metrics]));
  const digits = String(cells.length).length;
  let ended = 0;
  const watch = watchRuns(output, (shares) => (ended + shares.reduce((a, b) => a + b, 0)) / cells.length);
  const nameOf = ({ model, seed }: Cell) => `${model} seed ${seed}`;
  const tuned = (model: string, trial: number) => `tuning ${model} trial ${trial}`;
  return (event) => {
    if (event.type === 'loading') watch.say(loadLine(event.progress));
    else if (event.type === 'begin') watch.begin(nameOf(event.cell));
    else if (event.type === 'run') watch.onEvent(nameOf(event.cell), event.event);
    else if (event.type === 'timing')
      watch.say(`${titles.get(event.cell.protocol)} ${nameOf(event.cell)}: timing requests`);
    else if (event.type === 'judging') watch.say(`${titles.get(event.protocol)}: drawing users anew`);
    else if (event.type === 'tuning') {
      const { model, event: inner } = event;
      if (inner.type === 'run') watch.onEvent(tuned(model, inner.trial.number), inner.event);
      else if (inner.type === 'end') watch.end(tuned(model, inner.trial.number));
    } else {
      const { cell, result, kept, seconds, done, total } = event;
      const place = `${String(done).padStart(digits)}/${total}  ${titles.get(cell.protocol)!.padEnd(widths[0]!)}  ${cell.model.padEnd(widths[1]!)}  seed ${cell.seed}`;
      const found =
        'diverged' in result
          ? 'diverged'
          : metrics
              .get(cell.protocol)!
              .map((name) => `${name} ${formatMetric(result.measured.test.metrics[name] ?? undefined)}`)
              .join('  ');
      ended = done;
      watch.end(nameOf(cell), `${place}  ${found}  ${kept ? 'kept' : duration(seconds)}`);
    }
  };
}
