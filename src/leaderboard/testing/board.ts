import { Random } from '../../random.js';
import { completeConfig } from '../../runs/config.js';
import type { Measured } from '../measured.js';
import { PROTOCOLS } from '../protocols.js';
import type { Leaderboard, ModelResult, TableResult } from '../results.js';

const MS = (p50: number) => ({ p50, p95: 2 * p50 });

/** A run that was never made. */
function measured(seed: number, flops: number, auc: number): Measured {
  const part = { flops, multiplyAdds: flops / 2, parameterBytes: 0, inputBytes: 0, outputBytes: 132, stateBytes: 132 };
  const random = Random.of(seed, flops);
  return {
    seed,
    model: { name: 'dssm' },
    bestStep: 360,
    samplesPerSecond: 12_000,
    parameters: 801_987,
    cost: { item: part, user: part, score: part } as unknown as Measured['cost'],
    latency: { candidates: 1000, requests: 50, user: MS(0.5), score: MS(flops / 1e5) },
    curve: [90, 180, 270, 360].flatMap((step) => [
      { step, epoch: 1, loss: 0.6 },
      { step, epoch: 1, validation: { auc: auc - 20 / step / 10 + 0.002 * random.uniform(), logloss: 0.6 } },
    ]),
    validation: { metrics: { auc }, notes: {}, counts: {} },
    test: { metrics: { auc, gauc: auc - 0.1, logloss: 0.6 }, notes: {}, counts: {} },
    environment: { twotower: '0', node: '20', onnxruntime: '1', platform: 'x', cpu: 'y', cores: 2, memoryGiB: 8 },
  };
}

function model(name: string, place: number, flops: number, gain: number | undefined): ModelResult {
  const auc = 0.74 + (gain ?? 0);
  const { training, ...config } = completeConfig({ data: 'kuairand-pure', model: { name: 'dssm' } });
  const { seed: _, ...unseeded } = training;
  const comparison = gain !== undefined && {
    comparison: {
      difference: gain,
      low: gain - 0.002,
      high: gain + 0.002,
      p: Math.abs(gain) > 0.002 ? 0.001 : 0.4,
      corrected: Math.abs(gain) > 0.002 ? 0.003 : 0.8,
      verdict: (Math.abs(gain) < 0.002 ? 'no significant difference' : gain > 0 ? 'better' : 'worse') as 'better',
    },
  };
  const of = (mean: number) => ({ mean, deviation: 0.0012, runs: 2, place, ...comparison });
  return {
    name,
    config: { ...config, training: unseeded },
    runs: [measured(1, flops, auc), measured(2, flops, auc + 0.001)],
    diverged: [],
    metrics: { auc: of(auc), gauc: of(auc - 0.1), logloss: of(0.6) },
    calibration: [0.1, 0.3, 0.5, 0.8].map((rate) => ({
      count: 100,
      lowest: rate,
      highest: rate,
      meanPrediction: rate,
      meanLabel: rate * 0.95,
    })),
  };
}

/** A leaderboard with numbers that can be found again: one model better than the baseline, one worse, two neither. */
export function exampleBoard(): Leaderboard {
  const table: TableResult = {
    protocol: PROTOCOLS[0]!,
    dataset: 'a <b> & "c"',
    dataHash: '0123456789abcdef',
    counts: { train: 1000, validation: 100, test: 200, testUsers: 50 },
    baseline: 'dssm',
    trials: 0,
    models: [
      model('dssm', 3, 67, undefined),
      model('fit', 2, 9_000, 0.001),
      model('ranktower', 1, 140_000, 0.004),
      model('a|b', 4, 310_635, -0.0005),
      model('weak', 5, 975_748, -0.005),
    ],
    references: [],
    slices: [
      { by: 'user', group: 'new', exposures: 40, values: { dssm: { auc: 0.7123 }, fit: { auc: null } } },
      { by: 'user', group: 'in training', exposures: 160, values: { dssm: { auc: 0.75 }, fit: { auc: 0.76 } } },
    ],
  };
  const { environment } = table.models[0]!.runs[0]!;
  return { title: 'Example <one>', resamples: 2000, level: 0.05, environment, tables: [table] };
}
