import { basename, join } from 'node:path';
import { formatMetric } from '../evaluation/report.js';
import { type CompareEvent, cellsOf, compare as compareModels } from '../leaderboard/compare.js';
import { type LeaderboardPlan, readLeaderboard } from '../leaderboard/config.js';
import { qualityTable } from '../leaderboard/report/tables.js';
import { conclusions } from '../leaderboard/report/words.js';
import { LEADERBOARD_FILES, writeLeaderboard } from '../leaderboard/report/write.js';
import { duration } from './format.js';
import { examples } from './options.js';
import type { Output } from './output.js';
import type { Progress } from './progress.js';
import { stopOnSignal } from './stop.js';
import { table } from './table.js';
import type { Verb } from './verb.js';
import { watchRun } from './watch.js';

export const compare: Verb = {
  register(program, output) {
    program
      .command('compare')
      .description('train models under the same protocol with several seeds, and say which differences mean something')
      .argument('<leaderboard>', 'leaderboard (YAML): see docs/leaderboard.md')
      .option('--out <dir>', 'folder of runs and results; what is finished there is kept (default: comparisons/NAME)')
      .addHelpText('after', examples('twotower compare leaderboards/kuairand-pure.yaml --out comparisons/first'))
      .action(async (file: string, options: { out?: string }) => {
        const plan = readLeaderboard(file);
        const out = options.out ?? join('comparisons', basename(file).replace(/\.[^.]*$/, ''));
        const board = await stopOnSignal(output, (signal) => {
          return compareModels(plan, { out, signal, onEvent: watchCells(plan, out, output) });
        });
        await writeLeaderboard(board, out);
        output.result({ out, ...board }, () =>
          [
            ...board.tables.flatMap((one) => [
              output.colors.bold(one.protocol.name),
              table(qualityTable(one).rows),
              qualityTable(one).note,
              ...conclusions(one),
              '',
            ]),
            `${out}: ${Object.values(LEADERBOARD_FILES).join(', ')}`,
          ].join('\n'),
        );
      });
  },
};

/** A table that grows by one line per cell, below it what the current one does. */
function watchCells(plan: LeaderboardPlan, out: string, output: Output): (event: CompareEvent) => void {
  const cells = plan.tables.flatMap((one) => cellsOf(one, out));
  const widths = [(cell: (typeof cells)[number]) => cell.protocol, (cell: (typeof cells)[number]) => cell.model].map(
    (of) => Math.max(...cells.map((cell) => of(cell).length)),
  );
  const metrics = new Map(plan.tables.map(({ protocol }) => [protocol.name, protocol.metrics]));
  const digits = String(cells.length).length;
  const progress = output.progress();
  let current = '';
  // The lines that a single run leaves behind would tear the table apart.
  const inCell: Progress = {
    update: (line, share) => progress.update(() => `${current}  ${line()}`, share),
    done: () => {},
  };
  const watch = watchRun({ ...output, progress: () => inCell });
  return (event) => {
    if (event.type === 'run') watch.onEvent(event.event);
    else if (event.type === 'tuning') {
      const { protocol, model, event: inner } = event;
      if (inner.type === 'begin') current = `tuning ${protocol} ${model} trial ${inner.trial.number}`;
      else if (inner.type === 'run') watch.onEvent(inner.event);
    } else if (event.type === 'begin') current = `${event.cell.protocol} ${event.cell.model} seed ${event.cell.seed}`;
    else if (event.type === 'judging') progress.update(() => `${event.protocol}: drawing users anew`);
    else if (event.type === 'end') {
      const { cell, result, kept, seconds, done, total } = event;
      const place = `${String(done).padStart(digits)}/${total}  ${cell.protocol.padEnd(widths[0]!)}  ${cell.model.padEnd(widths[1]!)}  seed ${cell.seed}`;
      const found =
        'diverged' in result
          ? 'diverged'
          : metrics
              .get(cell.protocol)!
              .map((name) => `${name} ${formatMetric(result.measured.test.metrics[name] ?? undefined)}`)
              .join('  ');
      progress.done(`${place}  ${found}  ${kept ? 'kept' : duration(seconds)}`);
    }
  };
}
