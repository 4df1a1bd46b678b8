import { MODELS } from '../src/models/index.js';
import { ABLATED } from './ablations.js';
import { jointTraining, stages } from './cascade-tables.js';
import { LEADERBOARDS, leaderboard } from './leaderboard-tables.js';
import { type Block, table } from './markdown.js';
import { nextItem, orders, reconstruction } from './next-item-tables.js';
import { planCheck, scaling } from './plan-tables.js';
import { cell, METRICS, type Metric, type Row } from './protocol.js';
import { readResults } from './results.js';

const RESULTS = 'docs/results.md';
const UNMEASURED = 'Not measured yet.';

const TITLES: Record<Metric, string> = {
  auc: 'AUC',
  gauc: 'GAUC',
  logloss: 'logloss',
  'recall@20': 'Recall@20',
  'recall@100': 'Recall@100',
  'ndcg@20': 'NDCG@20',
  'ndcg@100': 'NDCG@100',
};

/** What `models.bench.ts` found of one model. */
interface ModelCost {
  model: string;
  flops: Record<'item' | 'user' | 'candidate', number>;
  bytes: Record<'item' | 'user', number>;
  userMilliseconds: { p50: number };
  scoreMilliseconds: { p50: number };
  samplesPerSecond: number;
}

/** Rows of runs as a table, one line for each title; columns that nobody has are left out. */
function qualityTable(groups: readonly { title: string; rows: readonly Row[] }[]): string {
  const metrics = METRICS.filter((metric) => groups.some(({ rows }) => cell(rows, metric) !== '–'));
  const lines = groups.map(({ title, rows }) => [
    title,
    String(rows.length),
    ...metrics.map((metric) => (cell(rows, metric) === '–' ? '' : cell(rows, metric))),
  ]);
  return table(['', 'seeds', ...metrics.map((metric) => TITLES[metric])], lines);
}

/** Everything in the documents that follows from `bench/results`. */
export function blocks(): Block[] {
  const models = MODELS.map(({ name }) => name);
  const readme = (model: string) => `src/models/${model}/README.md`;
  return [
    {
      file: RESULTS,
      name: 'models',
      command: 'npm run bench -- quality, npm run bench -- models',
      content: allModels(models),
    },
    { file: RESULTS, name: 'interaction', command: 'npm run bench -- interaction', content: interaction() },
    { file: RESULTS, name: 'ceiling', command: 'npm run bench -- ceiling', content: ceiling() },
    { file: RESULTS, name: 'stages', command: 'npm run bench -- cascade', content: stages() },
    ...LEADERBOARDS.map((name) => ({
      file: 'docs/leaderboard.md',
      name,
      command: `npm run bench -- leaderboard ${name}`,
      content: leaderboard(name),
    })),
    { file: 'docs/scaling.md', name: 'plan-check', command: 'npm run bench -- plan', content: planCheck() },
    { file: 'docs/scaling.md', name: 'scaling', command: 'npm run bench -- plan', content: scaling() },
    { file: readme('lt-ttd'), name: 'joint', command: 'npm run bench -- lt-ttd', content: jointTraining() },
    { file: readme('t2diff'), name: 'next-item', command: 'npm run bench -- next-item', content: nextItem() },
    { file: readme('t2diff'), name: 'orders', command: 'npm run bench -- orders', content: orders() },
    {
      file: readme('t2diff'),
      name: 'reconstruction',
      command: 'npm run bench -- reconstruction',
      content: reconstruction(),
    },
    ...models.map((model) => ({
      file: readme(model),
      name: 'measured',
      command: `npm run bench -- quality --models ${model}, npm run bench -- models`,
      content: allModels([model]),
    })),
    ...ABLATED.map((model) => ({
      file: readme(model),
      name: 'ablations',
      command: `npm run bench -- ablation --model ${model}`,
      content: ablation(model),
    })),
  ];
}

/** Quality, then cost and speed. */
function allModels(models: readonly string[]): string {
  const groups = models.flatMap((model) => {
    const results = readResults<{ rows: Row[] }>(`quality-${model}`);
    return results === undefined ? [] : [{ title: `\`${model}\``, rows: results.rows }];
  });
  const costs = readResults<{ results: ModelCost[] }>('models')?.results ?? [];
  const quality = groups.length === 0 ? UNMEASURED : qualityTable(groups);
  return `${quality}\n\n${costTable(costs.filter(({ model }) => models.includes(model)))}`;
}

function ablation(model: string): string {
  const results = readResults<{ variants: { title: string; overrides: string[]; rows: Row[] }[] }>(`ablation-${model}`);
  if (results === undefined) return UNMEASURED;
  const groups = results.variants.map(({ title, overrides, rows }) => {
    const keys = overrides.map((one) => `\`${one.replace('model.', '').replace('=', ': ')}\``);
    return { title: [title, ...keys].join(', '), rows };
  });
  return qualityTable(groups);
}

function ceiling(): string {
  const results = readResults<{ variants: { title: string; rows: Row[] }[] }>('ceiling');
  return results === undefined ? UNMEASURED : qualityTable(results.variants);
}

function interaction(): string {
  const results = readResults<{ bounds: { truth: number; sumOfFacets: number }[]; rows: Row[] }>('interaction');
  if (results === undefined) return UNMEASURED;
  const { bounds, rows } = results;
  const mean = (values: readonly number[]) => (values.reduce((a, b) => a + b, 0) / values.length).toFixed(4);
  const models = [...new Set(rows.map(({ model }) => model))];
  return table(
    ['', 'test AUC'],
    [
      ['the log-odds that drew the clicks', mean(bounds.map(({ truth }) => truth))],
      ...models.map((model) => [
        `\`${model}\``,
        cell(
          rows.filter((row) => row.model === model),
          'auc',
        ),
      ]),
      ['the linear part alone', mean(bounds.map(({ sumOfFacets }) => sumOfFacets))],
    ],
  );
}

function costTable(costs: readonly ModelCost[]): string {
  const whole = (value: number) => Math.round(value).toLocaleString('en-US');
  const head = [
    '',
    'FLOPs an item',
    'a request',
    'a candidate',
    'bytes an item',
    'a request',
    'user part, ms p50',
    '1,000 candidates, ms p50',
    'training samples/s',
  ];
  const lines = costs.map(({ model, flops, bytes, userMilliseconds, scoreMilliseconds, samplesPerSecond }) => [
    `\`${model}\``,
    ...[flops.item, flops.user, flops.candidate, bytes.item, bytes.user].map(whole),
    userMilliseconds.p50.toFixed(2),
    scoreMilliseconds.p50.toFixed(2),
    whole(100 * Math.round(samplesPerSecond / 100)),
  ]);
  return table(head, lines);
}
