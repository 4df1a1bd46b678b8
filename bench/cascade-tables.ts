import { table } from './markdown.js';
import { readResults } from './results.js';

const UNMEASURED = 'Not measured yet.';

interface TrainedOn {
  model: string;
  variant: string;
  rankerTop: number;
  clicks: number;
  clicksOfRetrieved: number;
  auc: number | null;
}

interface Joint {
  title: string;
  ndcg10: number;
  recall: number;
  irretrievable: number;
  upqeOurs: { arithmetic: number };
  guarantees?: { divergence: number; leastShare: number; bound: number | null; lostShare: number; pinsker: number };
}

/** What a pre-ranker learns from samples of each stage: one line a model and what it was trained on. */
export function stages(): string {
  const rows = readResults<{ rows: TrainedOn[] }>('cascade')?.rows;
  if (rows === undefined) return UNMEASURED;
  const titles = [...new Set(rows.map(({ model, variant }) => `\`${model}\`, ${variant}`))];
  const head = [
    'trained on',
    'seeds',
    "the ranker's top 20 kept",
    'clicks kept',
    'of those retrieved',
    'AUC of exposures',
  ];
  const lines = titles.map((title) => {
    const own = rows.filter(({ model, variant }) => `\`${model}\`, ${variant}` === title);
    return [
      title,
      String(own.length),
      mean(own.map(({ rankerTop }) => rankerTop)),
      mean(own.map(({ clicks }) => clicks)),
      mean(own.map(({ clicksOfRetrieved }) => clicksOfRetrieved)),
      mean(own.map(({ auc }) => auc)),
    ];
  });
  return table(head, lines);
}

/** LT-TTD beside what it is made of, and by the strength of its distillation. */
export function jointTraining(): string {
  const results = readResults<{ baselines: Joint[]; strengths: Joint[] }>('lt-ttd');
  if (results === undefined) return UNMEASURED;
  return [quality(results.baselines), guarantees(results.strengths)].join('\n\n');
}

function quality(rows: readonly Joint[]): string {
  return table(
    ['', 'seeds', 'final NDCG@10', 'recall of what is retrieved', '\\|U\\| a request', 'UPQE_ours'],
    grouped(rows).map(([title, own]) => [
      title,
      String(own.length),
      mean(own.map(({ ndcg10 }) => ndcg10)),
      mean(own.map(({ recall }) => recall)),
      mean(own.map(({ irretrievable }) => irretrievable)),
      mean(own.map(({ upqeOurs }) => upqeOurs.arithmetic)),
    ]),
  );
}

function guarantees(rows: readonly Joint[]): string {
  return table(
    ['', 'seeds', 'final NDCG@10', '\\|U\\| a request', 'ε', 'μ', 'bound on \\|U\\|', 'lost share', 'its bound'],
    grouped(rows).map(([title, own]) => [
      title,
      String(own.length),
      mean(own.map(({ ndcg10 }) => ndcg10)),
      mean(own.map(({ irretrievable }) => irretrievable)),
      ...(['divergence', 'leastShare', 'bound', 'lostShare', 'pinsker'] as const).map((key) =>
        mean(own.map((row) => row.guarantees?.[key])),
      ),
    ]),
  );
}

function grouped(rows: readonly Joint[]): [string, Joint[]][] {
  const titles = [...new Set(rows.map(({ title }) => title))];
  return titles.map((title) => [title, rows.filter((row) => row.title === title)]);
}

/** `0.220 ± 0.004`; the deviation only where there are several, a dash where there is none. */
function mean(values: readonly (number | null | undefined)[]): string {
  const found = values.filter((value) => value !== null && value !== undefined);
  if (found.length === 0) return '–';
  const average = found.reduce((a, b) => a + b, 0) / found.length;
  if (found.length === 1) return average.toFixed(3);
  const squares = found.reduce((a, b) => a + (b - average) ** 2, 0);
  return `${average.toFixed(3)} ± ${Math.sqrt(squares / (found.length - 1)).toFixed(3)}`;
}
