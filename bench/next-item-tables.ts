import { table } from './markdown.js';
import type { Row } from './protocol.js';
import { readResults } from './results.js';

const UNMEASURED = 'Not measured yet.';

const CONTESTANTS: Record<string, string> = {
  'youtube-dnn': '`youtube-dnn`',
  'session-transformer': 'session transformer (`generator: none`)',
  t2diff: '`t2diff`',
};

/** Which film comes next: counting, then models. */
export function nextItem(): string {
  const found = Object.entries(CONTESTANTS).flatMap(([name, title]) => {
    const results = readResults<{ rows: Row[]; transitions?: Record<string, number> }>(`next-item-${name}`);
    return results === undefined ? [] : [{ title, ...results }];
  });
  const counted = found.find(({ transitions }) => transitions !== undefined)?.transitions;
  const metrics = ['recall@20', 'mrr@20', 'ndcg@20'];
  const four = (value: number | undefined) => value?.toFixed(4) ?? '';
  return table(
    ['', 'seeds', 'validation Recall@20', 'test Recall@20', 'MRR@20', 'NDCG@20'],
    [
      ...(counted === undefined
        ? []
        : [
            [
              'counts of what followed the last film in training',
              '–',
              '',
              ...metrics.map((metric) => four(counted[metric])),
            ],
          ]),
      ...found.map(({ title, rows }) => [
        title,
        String(rows.length),
        spread(rows.map(({ validation }) => validation['recall@20'])),
        ...metrics.map((metric) => spread(rows.map(({ test }) => test[metric]))),
      ]),
    ],
  );
}

/** What counting reaches by the order in which ratings are taken. */
export function orders(): string {
  const results = readResults<{ results: { title: string; moments: number; recall: number }[] }>('orders')?.results;
  if (results === undefined) return UNMEASURED;
  return table(
    ['ratings', 'moments', 'Recall@20 of counting'],
    results.map(({ title, moments, recall }) => [title, moments.toLocaleString('en-US'), recall.toFixed(3)]),
  );
}

/** How near each generator guesses the next item, in the embeddings it was trained with. */
export function reconstruction(): string {
  const results = readResults<{
    results: {
      guess: string;
      parameters: string;
      meanCosine: number;
      medianRank: number;
      recallAt20: number;
    }[];
  }>('reconstruction')?.results;
  if (results === undefined) return UNMEASURED;
  return table(
    [
      'guess',
      'embeddings of',
      'cosine with the true item',
      'median rank of the true item',
      'true item among the nearest 20',
    ],
    results.map(({ guess, parameters, meanCosine, medianRank, recallAt20 }) => [
      guess,
      parameters,
      meanCosine.toFixed(3),
      medianRank.toLocaleString('en-US'),
      `${(100 * recallAt20).toFixed(2)} %`,
    ]),
  );
}

function spread(found: readonly (number | null | undefined)[]): string {
  const values = found.filter((value) => value !== null && value !== undefined);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((a, b) => a + (b - mean) ** 2, 0);
  return `${mean.toFixed(4)}${values.length > 1 ? ` ± ${Math.sqrt(squares / (values.length - 1)).toFixed(4)}` : ''}`;
}
