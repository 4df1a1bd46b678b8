import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../errors.js';

/** Metrics that a table can show: each must be one that users can be drawn for. */
const METRIC = /^(auc|gauc|logloss|(recall|ndcg|mrr|hitRate|precision)@[1-9]\d*)$/;

const metric = z.string().regex(METRIC, {
  error: ({ input }) =>
    `"${input}" is no metric of a table: auc, gauc, logloss, recall@k, ndcg@k, mrr@k, hitRate@k, precision@k`,
});

/** `kuairand-pure/click`: also the folder of what was trained, so that it holds nothing that could lead elsewhere. */
export const protocolName = z.string().regex(/^\w[\w.-]*(\/\w[\w.-]*)*$/, {
  error: 'a name is letters, digits, ".", "-" and "_", in parts divided by "/"',
});

/** A protocol as it may be written into a leaderboard's file. */
export const protocolOptions = z.strictObject({
  name: protocolName.describe('what the table is called, such as my-shop/purchase'),
  about: z.string().default('').describe('what is asked and what must be known to read the figures'),
  dataset: z.string().min(1).describe('name of a bundled dataset, or path of a dataset description'),
  label: z.string().optional().describe("feedback column to predict, instead of the dataset's own label"),
  metrics: z
    .array(metric)
    .min(1)
    .default(['auc', 'gauc', 'logloss'])
    .describe('columns of the table; the first decides the places'),
  pipeline: z
    .enum(['inttower'])
    .optional()
    .describe(
      'makes the data as a published script did, test labels in the features included; every figure is then marked as leaky',
    ),
  validation: metric.default('auc').describe('metric on the validation part that chooses the checkpoint of every run'),
});

/** What is asked of models: which log, which label, which figures. Everything else is the model's own affair. */
export type Protocol = z.output<typeof protocolOptions>;

const CLICK_METRICS = ['auc', 'gauc', 'logloss'];
const NEXT_METRICS = ['recall@20', 'recall@100', 'ndcg@100', 'mrr@100'];

/** The protocols that have a name. */
export const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'kuairand-pure/click',
    about:
      'Does the user click a video that was shown? Training 25 April to 5 May 2022, validation 6 May, test 7 and 8 May; label is_click; every exposure counts.',
    dataset: 'kuairand-pure',
    label: 'is_click',
    metrics: CLICK_METRICS,
    validation: 'auc',
  },
  {
    name: 'kuairand-pure/long-view',
    about:
      'Does the user watch a shown video for long? The log, the days and the exposures of kuairand-pure/click; label long_view.',
    dataset: 'kuairand-pure',
    label: 'long_view',
    metrics: CLICK_METRICS,
    validation: 'auc',
  },
  {
    name: 'kuairand-pure/next-item',
    about:
      'Which video does the user click? All videos are ranked for every clicked exposure of the test days, in its own context and with the history until then; the clicked one is the relevant one. Videos the user has seen stay among the candidates.',
    dataset: 'kuairand-pure',
    label: 'is_click',
    metrics: NEXT_METRICS,
    validation: 'recall@100',
  },
  {
    name: 'movielens-1m/honest-ctr',
    about:
      'Does the user give a film four stars or more? Split by time: the earliest 80 % of the ratings are training, 10 % validation, the latest 10 % test. Features: ids, gender, age, occupation, ZIP code, genres, liked films before; no mean ratings.',
    dataset: 'movielens-1m',
    label: 'liked',
    metrics: CLICK_METRICS,
    validation: 'auc',
  },
  {
    name: 'movielens-1m/inttower-as-published',
    about:
      "IntTower's public script (2022), rebuilt to be compared with the figures it printed: is a rating above three, threes left out? The mean rating of user and item is a feature, and in the test part it is computed from the very labels that are to be predicted; the split is random; validation is the films with the highest numbers. No figure of it says how good a model is.",
    dataset: 'movielens-1m',
    label: 'liked',
    pipeline: 'inttower',
    metrics: CLICK_METRICS,
    validation: 'auc',
  },
  {
    name: 'movielens-1m/next-item',
    about:
      'Which film does the user rate next? Users are dealt out: 70 % train, 10 % choose the checkpoint, of the remaining 20 % the ten newest ratings are asked for, among all films. Nothing of the asked users was trained on; their earlier ratings are the history.',
    dataset: 'movielens-1m-next',
    label: 'rated',
    metrics: ['recall@20', 'ndcg@20', 'mrr@20'],
    validation: 'recall@20',
  },
  {
    name: 'funnel/click',
    about:
      'Does the user click an item that was shown? A generated cascade of 3,000 users and 2,000 items over 14 days whose truth is known; by time, the earliest 80 % train, 10 % choose the checkpoint, the latest 10 % test. `truth` is what a model that knew everything but the place would say, `chance` what one that knew the place too would, and no model can do better than that on average; `ranker` is what the cascade that made the log said.',
    dataset: 'funnel',
    label: 'click',
    metrics: CLICK_METRICS,
    validation: 'auc',
  },
];

/** The protocol of that name. @throws CONFIG_INVALID */
export function findProtocol(name: string): Protocol {
  const found = PROTOCOLS.find((protocol) => protocol.name === name);
  if (found !== undefined) return found;
  const names = PROTOCOLS.map((protocol) => protocol.name);
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `there is no protocol "${name}", ${didYouMean(name, names)}`,
    `Known: ${names.join(', ')}; or describe one: { name, dataset, … }.`,
  );
}

/** Cut-offs of a protocol's ranking metrics; empty where it ranks nothing. */
export function cutOffs({ metrics, validation }: Protocol): number[] {
  const ks = [...metrics, validation].flatMap((name) => (name.includes('@') ? [Number(name.split('@')[1])] : []));
  return [...new Set(ks)].sort((a, b) => a - b);
}

/** The name of a protocol for people, who must be told where test labels leak into features. */
export function titleOf({ name, pipeline }: Protocol): string {
  return pipeline === undefined ? name : `${name} (LEAKY)`;
}

/** Whether less of a metric is more. */
export function lowerIsBetter(name: string): boolean {
  return name === 'logloss';
}
