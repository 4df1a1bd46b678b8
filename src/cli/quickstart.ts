import type { Dataset } from '../data/dataset.js';
import { formatMetric } from '../evaluation/report.js';
import { packagePath } from '../package-root.js';
import { openRun } from '../runs/open.js';
import { readConfig } from '../runs/read-config.js';
import { type Described, type Recommendations, recommend } from '../runs/recommend.js';
import type { RunResult } from '../runs/train.js';
import { count, shellWord, shortPath } from './format.js';
import { program } from './invocation.js';
import { examples } from './options.js';
import { recommendationText } from './recommend.js';
import { table } from './table.js';
import { freeFolder, trainWatched } from './train.js';
import type { Verb } from './verb.js';

export const quickstart: Verb = {
  register(cli, output) {
    cli
      .command('quickstart')
      .description('train a two-tower on the bundled KuaiRand-Pure log, evaluate it and recommend')
      .option('--out <dir>', 'run folder (default: the next free runs/quickstart-1, runs/quickstart-2, …)')
      .addHelpText('after', examples('twotower quickstart'))
      .action(async (options: { out?: string }) => {
        const { bold, cyan } = output.colors;
        const file = packagePath('configs', 'dssm-kuairand.yaml');
        const config = readConfig(file);
        const out = options.out ?? freeFolder('runs', 'quickstart');
        output.note(
          'KuaiRand-Pure: who was shown which short video on Kuaishou, and what they clicked (25 April to 8 May 2022)',
        );
        const result = await trainWatched(config, out, false, output);
        const run = await openRun(out, { warn: output.warn });
        try {
          const { dataset } = result;
          const user = exampleUser(dataset);
          const found = await recommend(run, { dataset, user: dataset.users.keys[user]!, k: 10 });
          const { folder, bestStep, samplesPerSecond, evaluation } = result;
          output.result({ folder, bestStep, samplesPerSecond, evaluation, recommendations: found }, () => {
            const word = shellWord(out);
            const next = [
              [
                'another user',
                `recommend ${word} --user ${dataset.users.keys[(user % (dataset.users.count - 1)) + 1]} -k 5`,
              ],
              ['what the model costs', `inspect ${word}`],
              ['every metric', `evaluate ${word}`],
              ['change something', `train ${shellWord(shortPath(file))} --set model.width=64 --out runs/wide`],
            ].map(([what, command]) => `  ${what!.padEnd(21)} ${cyan(`${program()} ${command}`)}`);
            return [
              bold('on the last two days (7 and 8 May), which the model never saw'),
              metricsTable(result),
              '',
              bold('ten videos for one user'),
              recommendationText(readable(found), output),
              '',
              bold('the run folder'),
              `  ${out}: config, metrics, checkpoints, and item.onnx, user.onnx, score.onnx in model/`,
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
  [/^calibrationError$/, 'calibration error', 'how far predicted rates are off; lower is better'],
  [/^recall@/, 'Recall', 'the clicked video is among the first of all videos'],
  [/^ndcg@/, 'NDCG', 'the same, more for a better place'],
];

function metricsTable({ evaluation: { test }, samplesPerSecond }: RunResult): string {
  const rows = Object.entries(test.metrics).flatMap(([name, value]) => {
    const known = MEANING.find(([pattern]) => pattern.test(name));
    const k = name.includes('@') ? name.slice(name.indexOf('@')) : '';
    return known === undefined ? [] : [[`${known[1]}${k}`, formatMetric(value ?? undefined), known[2]]];
  });
  if (samplesPerSecond !== null) rows.push(['training samples/s', count(samplesPerSecond), 'on this machine']);
  const note = test.notes.gauc === undefined ? '' : `\nGAUC: ${test.notes.gauc}`;
  return table([['metric', 'value', ''], ...rows]) + note;
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
