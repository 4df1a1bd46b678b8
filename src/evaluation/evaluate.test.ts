import { describe, expect, test } from 'vitest';
import { assembleBatch, itemFeeds } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { findModel } from '../models/index.js';
import { toyDataset } from '../testing/toy-dataset.js';
import { ToyModel } from '../testing/toy-model.js';
import { Inference } from '../training/inference.js';
import { evaluate } from './evaluate.js';
import type { EvaluationResult } from './report.js';
import { type Outcomes, userStatistic } from './user-statistics.js';

const KS = [1, 3, 5];
const dssm = findModel('dssm');
const create = (dataset?: Dataset) =>
  ToyModel.create(dssm, { embedding: 3, towers: [5], width: 3, normalization: 'batch' }, dataset);

/** One event or one request at a time, and `score` alone: nothing is gathered, blocked or cached across events. */
class BruteForce {
  private readonly scored = new Map<number, Promise<Float32Array>>();

  constructor(
    private readonly inference: Inference,
    private readonly dataset: Dataset,
  ) {}

  /** Scores of all items, the unknown one included, in the request of an event. */
  scores(event: number): Promise<Float32Array> {
    const known = this.scored.get(event) ?? this.compute(event);
    this.scored.set(event, known);
    return known;
  }

  label(event: number): number {
    return this.dataset.events.feedback.get(this.dataset.label)![event]!;
  }

  async logit(event: number): Promise<number> {
    return (await this.scores(event))[this.dataset.events.item[event]!]!;
  }

  /** Of all known items, how many are at least as good as the one that was shown. */
  async rank(event: number): Promise<number> {
    const scores = await this.scores(event);
    const shown = this.dataset.events.item[event]!;
    return scores.filter((score, item) => item > 0 && (item === shown || score >= scores[shown]!)).length;
  }

  private async compute(event: number): Promise<Float32Array> {
    const { inference, dataset } = this;
    const user = await inference.users(assembleBatch(dataset, Uint32Array.of(event)).feeds);
    const every = Int32Array.from({ length: dataset.items.count }, (_, row) => row);
    return inference.score(user, await inference.items(itemFeeds(dataset, every)));
  }
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** The share of pairs of a positive and a negative that stand in the right order, ties one half. */
function orderedPairs(logits: readonly number[], labels: readonly number[]): number | undefined {
  const pairs = logits.flatMap((a, i) =>
    logits.filter((_, j) => labels[i] === 1 && labels[j] === 0).map((b) => (a > b ? 1 : a === b ? 0.5 : 0)),
  );
  return pairs.length === 0 ? undefined : mean(pairs);
}

function value({ metrics }: EvaluationResult, name: string): number {
  const found = metrics[name]?.value;
  if (found === undefined) throw new Error(`${name} is ${metrics[name]?.note ?? 'not there'}`);
  return found;
}

describe('evaluate', () => {
  test('impressions and the whole corpus as by brute force through score', async () => {
    const model = await create();
    const { dataset, inference } = model;
    const once = Array.from({ length: dataset.events.count }, (_, event) => event);
    // Ten times the log: more than one block of impressions and many blocks of requests.
    const rows = Uint32Array.from({ length: 10 * once.length }, (_, i) => once[i % once.length]!);
    const progress: number[] = [];
    let outcomes: Outcomes | undefined;
    const result = await evaluate(inference, dataset, rows, {
      ks: KS,
      onProgress: (done) => progress.push(done),
      onOutcomes: (given) => {
        outcomes = given;
      },
    });
    const everyone = new Uint32Array(outcomes!.userCount).fill(1);
    for (const metric of ['auc', 'gauc', 'logloss', 'recall@3', 'ndcg@5', 'mrr@5', 'precision@1']) {
      expect(userStatistic(metric, outcomes!)(everyone)).toBeCloseTo(value(result, metric), 10);
    }

    const brute = new BruteForce(inference, dataset);
    const labels = once.map((event) => brute.label(event));
    const logits = await Promise.all(once.map((event) => brute.logit(event)));
    expect(value(result, 'auc')).toBeCloseTo(orderedPairs(logits, labels)!, 6);
    const byUser = [...new Set(dataset.events.user)].map((user) => {
      const own = once.filter((event) => dataset.events.user[event] === user);
      const area = orderedPairs(
        own.map((event) => logits[event]!),
        own.map((event) => labels[event]!),
      );
      return { area, size: own.length };
    });
    const counted = byUser.filter(({ area }) => area !== undefined);
    const weights = counted.reduce((sum, { size }) => sum + size, 0);
    const gauc = counted.reduce((sum, { area, size }) => sum + (area! * size) / weights, 0);
    expect(value(result, 'gauc')).toBeCloseTo(gauc, 6);
    const losses = logits.map((logit, i) => Math.log1p(Math.exp(labels[i] === 1 ? -logit : logit)));
    expect(value(result, 'logloss')).toBeCloseTo(mean(losses), 5);
    const predicted = mean(logits.map((logit) => 1 / (1 + Math.exp(-logit))));
    expect(value(result, 'calibrationRatio')).toBeCloseTo(predicted / mean(labels), 5);

    const positives = once.filter((event) => labels[event] === 1);
    const ranks = await Promise.all(positives.map((event) => brute.rank(event)));
    for (const k of KS) {
      const of = (gain: (rank: number) => number) => mean(ranks.map((rank) => (rank <= k ? gain(rank) : 0)));
      expect(value(result, `recall@${k}`)).toBeCloseTo(
        of(() => 1),
        9,
      );
      expect(value(result, `hitRate@${k}`)).toBeCloseTo(
        of(() => 1),
        9,
      );
      expect(value(result, `precision@${k}`)).toBeCloseTo(
        of(() => 1 / k),
        9,
      );
      expect(value(result, `mrr@${k}`)).toBeCloseTo(
        of((rank) => 1 / rank),
        9,
      );
      expect(value(result, `ndcg@${k}`)).toBeCloseTo(
        of((rank) => 1 / Math.log2(rank + 1)),
        9,
      );
    }
    expect(result.counts).toMatchObject({
      samples: rows.length,
      positives: 10 * positives.length,
      requests: 10 * positives.length,
      relevantUnavailable: 0,
    });
    const ranked = await evaluate(inference, dataset, rows, { ks: KS, only: 'corpus' });
    const ofCorpus = Object.entries(result.metrics).filter(([name]) => name.includes('@'));
    expect(ranked.metrics).toEqual(Object.fromEntries(ofCorpus));
    expect(ofCorpus).toHaveLength(5 * KS.length);
    expect(ranked.counts).toMatchObject({ requests: 10 * positives.length, relevantUnavailable: 0 });
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(1);
    await model.release();
  });

  test('a catalogue of more than one block of items', async () => {
    const dataset = toyDataset();
    const count = 66_000;
    // Items that differ in their price alone; those that were shown stand in the second block.
    const values = Float32Array.from({ length: 2 * count }, (_, i) => Math.sin(i));
    const large: Dataset = {
      ...dataset,
      schema: { ...dataset.schema, item: dataset.schema.item.filter(({ name }) => name === 'price'), histories: [] },
      events: { ...dataset.events, item: dataset.events.item.map((item) => 65_536 + item) },
      items: { ...dataset.items, count, columns: new Map([['price', { encoding: 'numbers', width: 2, values }]]) },
    };
    const { inference } = await create(large);
    const clicks = dataset.events.feedback.get('click')!;
    const rows = dataset.splits.test.filter((row) => clicks[row] === 1).slice(0, 4);
    const result = await evaluate(inference, large, rows, { ks: [100, count] });
    const brute = new BruteForce(inference, large);
    const ranks = await Promise.all(Array.from(rows, (row) => brute.rank(row)));
    // Scores lie so close that rounding may exchange neighbours among thousands.
    expect(value(result, `ndcg@${count}`)).toBeCloseTo(mean(ranks.map((rank) => 1 / Math.log2(rank + 1))), 5);
    expect(Math.max(...ranks)).toBeGreaterThan(1000);
    expect(value(result, 'recall@100')).toBe(mean(ranks.map((rank) => (rank <= 100 ? 1 : 0))));
    await inference.release();
  });

  test('a model that cannot retrieve, and one that need not, are not ranked', async () => {
    const { dataset, parts, source } = await create();
    const { item, user, score } = parts;
    const inference = new Inference({ item, user, score }, dataset.schema, (name) => source.values(name));
    const rows = dataset.splits.test;
    const result = await evaluate(inference, dataset, rows, { ks: [5] });
    expect(result.metrics['recall@5']).toMatchObject({
      value: undefined,
      note: expect.stringContaining('cannot retrieve'),
    });
    expect(value(result, 'auc')).toBeGreaterThan(0);
    const ranked = await evaluate(inference, dataset, rows, { ks: [5], only: 'corpus' });
    expect(Object.entries(ranked.metrics)).toEqual(
      Object.entries(result.metrics).filter(([name]) => name.includes('@')),
    );
    const alone = await evaluate(inference, dataset, rows, { only: 'impressions' });
    expect(alone.metrics.auc).toEqual(result.metrics.auc);
    expect(Object.keys(alone.metrics).filter((name) => name.includes('@'))).toEqual([]);
    await inference.release();
  });

  test('no events give no numbers, each with its reason', async () => {
    const { dataset, inference } = await create();
    const { metrics, counts } = await evaluate(inference, dataset, new Uint32Array(0), { ks: [5] });
    expect(Object.values(metrics).every((metric) => metric.value === undefined && metric.note !== '')).toBe(true);
    expect(counts).toMatchObject({ samples: 0, requests: 0 });
    await inference.release();
  });
});
