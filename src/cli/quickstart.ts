import { join } from 'node:path';
import { reportTables } from '../cascade/report/text.js';
import { REPORT_FILES } from '../cascade/report/write.js';
import type { Dataset } from '../data/dataset.js';
import { formatMetric } from '../evaluation/report.js';
import { packagePath } from '../package-root.js';
import { refuseUsedFolder } from '../runs/folder.js';
import { openRun } from '../runs/open.js';
import { type Described, type Recommendations, recommend } from '../runs/recommend.js';
import { count, shellWord, shortPath } from './format.js';
import { program } from './invocation.js';
import { examples } from './options.js';
import { QUICKSTART, type QuickstartResult, trainCascade } from './quickstart-cascade.js';
import { recommendationText } from './recommend.js';
import { table } from './table.js';
import { freeFolder } from './train.js';
import type { Verb } from './verb.js';

export const quickstart: Verb = {
  register(cli, output) {
    cli
      .command('quickstart')
      .description('train a whole cascade on the bundled KuaiRand-Pure log, measure its funnel and recommend')
      .option('--out <dir>', 'folder of its runs (default: the next free runs/quickstart-1, runs/quickstart-2, …)')
      .addHelpText('after', examples('twotower quickstart'))
      .action(async (options: { out?: string }) => {
        const { bold, cyan } = output.colors;
        const out = options.out ?? freeFolder('runs', 'quickstart');
        refuseUsedFolder(out);
        output.note(
          'KuaiRand-Pure: who was shown which short video on Kuaishou, and what they clicked (25 April to 8 May 2022)',
        );
        const { dataset, runs, report } = await trainCascade(out, output);
        const prerank = join(out, QUICKSTART.prerank);
        const run = await openRun(prerank, { warn: output.warn });
        try {
          const user = exampleUser(dataset);
          const found = await recommend(run, { dataset, user: dataset.users.keys[user]!, k: 10 });
          const trained = Object.entries(runs).map(([name, { folder, bestStep, samplesPerSecond, evaluation }]) => [
            name,
            { folder, bestStep, samplesPerSecond, evaluation },
          ]);
          output.result({ folder: out, runs: Object.fromEntries(trained), report, recommendations: found }, () => {
            const word = shellWord(prerank);
            const cascade = shellWord(join(out, QUICKSTART.cascade));
            const next = [
              [
                'another user',
                `recommend ${word} --user ${dataset.users.keys[(user % (dataset.users.count - 1)) + 1]} -k 5`,
              ],
              ['what a model costs', `inspect ${word}`],
              ['other list lengths', `cascade evaluate ${cascade}`],
              [
                'another pre-ranker',
                `train ${shellWord(shortPath(packagePath('configs', 'ranktower-cascade-kuairand.yaml')))} --teacher ${shellWord(join(out, QUICKSTART.rank))}`,
              ],
            ].map(([what, command]) => `  ${what!.padEnd(21)} ${cyan(`${program()} ${command}`)}`);
            return [
              bold('the three models on the last two days (7 and 8 May), which none of them saw'),
              metricsTable(runs),
              '',
              ...reportTables(report)
                .slice(0, 3)
                .flatMap(({ title, rows }) => [bold(title.toLowerCase()), table(rows), '']),
              bold('ten videos for one user, by the pre-ranker'),
              recommendationText(readable(found), output),
              '',
              bold('the folder'),
              `  ${out}: three runs, the mined candidates, cascade.yaml`,
              `  ${join(out, QUICKSTART.report, REPORT_FILES.html)}: the funnel with its plots`,
              '',
              bold('next'),
              ...next,
            ].join('\n');
          });
        } finally {
          await run.release();
        }
      });
  },
};

const MEANING: [RegExp, string, string][] = [
  [/^auc$/, 'AUC', 'a click ranks above a non-click, over all exposures'],
  [/^gauc$/, 'GAUC', 'the same within each user'],
  [/^logloss$/, 'logloss', 'surprise at the clicks; lower is better'],
  [/^recall@/, 'Recall', 'the clicked video is among the first of all videos'],
];

function metricsTable(runs: QuickstartResult['runs']): string {
  const all = [runs.retrieve, runs.prerank, runs.rank];
  const names = Object.keys(runs.prerank.evaluation.test.metrics);
  const rows = names.flatMap((name) => {
    const known = MEANING.find(([pattern]) => pattern.test(name));
    const k = name.includes('@') ? name.slice(name.indexOf('@')) : '';
    const shown = all.map((run) => {
      const value = run.evaluation.test.metrics[name] ?? undefined;
      // Retrieval learns which video, not how probable a click is.
      return value === undefined || (name === 'logloss' && run === runs.retrieve) ? undefined : formatMetric(value);
    });
    return known === undefined ? [] : [[`${known[1]}${k}`, ...shown, known[2]]];
  });
  rows.push([
    'training samples/s',
    ...all.map(({ samplesPerSecond }) => (samplesPerSecond === null ? undefined : count(samplesPerSecond))),
    'on this machine',
  ]);
  return table([['metric', 'retrieve', 'pre-rank', 'rank', ''], ...rows]);
}

/** What is known of a video in words: lengths in seconds, and no types that are the same for all. */
function readable(found: Recommendations): Recommendations {
  const inWords = <T extends Described>(one: T): T => {
    const { author_id, tag, video_duration, upload_type, video_type } = one.display;
    const seconds = video_duration ? `${(Number(video_duration) / 1000).toFixed(0)} s` : null;
    const type = video_type === 'NORMAL' ? upload_type : `${upload_type}, ${video_type}`;
    return { ...one, display: { author: author_id!, tag: tag!, duration: seconds, upload: type! } };
  };
  return { ...found, items: found.items.map(inWords), recent: found.recent.map(inWords) };
}

/** Of the users in the test part, the one who has chosen most; the first of several. */
function exampleUser({ events, splits, histories }: Dataset): number {
  const offsets = histories[0]?.offsets;
  let best = events.user[splits.test[0]!]!;
  const chosen = (user: number) => (offsets === undefined ? 0 : offsets[user + 1]! - offsets[user]!);
  for (const row of splits.test) {
    const user = events.user[row]!;
    if (chosen(user) > chosen(best) || (chosen(user) === chosen(best) && user < best)) best = user;
  }
  return best;
}
