import { large } from '../../cascade/report/words.js';
import { escapeHtml } from '../../charts/escape.js';
import { intervals } from '../../charts/intervals.js';
import { dataBehind } from '../../charts/page.js';
import { linePanels, reliabilityPanels } from '../../charts/panels.js';
import { scatter } from '../../charts/scatter.js';
import { formatMetric } from '../../evaluation/report.js';
import { lowerIsBetter } from '../protocols.js';
import type { ModelResult, TableResult } from '../results.js';
import { byPlace, type ReportTable, requestMs, titled } from './tables.js';

/** Differences from the baseline with their intervals, by the first metric; nothing where there is no difference to draw. */
export function differenceChart({ protocol, models, baseline }: TableResult, data: ReportTable, id: string): string[] {
  const metric = protocol.metrics[0]!;
  const rows = byPlace(models, metric).flatMap(({ name, metrics }) => {
    const comparison = metrics[metric]?.comparison;
    if (comparison === undefined) return [];
    const { low, high, difference, verdict } = comparison;
    const kind: 'better' | 'worse' | 'same' = verdict === 'no significant difference' ? 'same' : verdict;
    return [{ name, low, high, value: difference, kind }];
  });
  if (rows.length === 0) return [];
  return [
    `<h3>${escapeHtml(data.title)}</h3>`,
    `<figure>${intervals({ id, title: `${metric}: ${data.title.toLowerCase()}`, rows, label: `${metric} − that of ${baseline}` })}</figure>`,
    `<p class="note">${escapeHtml(data.note)}</p>`,
    dataBehind(data.title, data.rows),
  ];
}

/** Quality against the FLOPs of a candidate and against measured time. */
export function costCharts({ protocol, models }: TableResult, id: string): string[] {
  const metric = protocol.metrics[0]!;
  const trained = models.filter(({ metrics, runs }) => metrics[metric] !== undefined && runs.length > 0);
  if (trained.length === 0) return [];
  const points = (cost: (model: ModelResult) => number) =>
    trained.map((model) => {
      const { mean, deviation } = model.metrics[metric]!;
      return { name: model.name, quality: mean, deviation, cost: cost(model) };
    });
  const flopsOf = ({ runs }: ModelResult) => Math.max(1, runs[0]!.cost.score?.flops ?? 1);
  const msOf = ({ runs }: ModelResult) => Math.max(1e-3, requestMs(runs));
  const candidates = trained[0]!.runs[0]!.latency.candidates.toLocaleString('en-US');
  const common = { qualityLabel: metric, lowerIsBetter: lowerIsBetter(metric) };
  const flops = scatter({
    ...common,
    id: `${id}-flops`,
    title: `${metric} against the arithmetic of a candidate`,
    points: points(flopsOf),
    costLabel: 'FLOPs a candidate (logarithmic)',
    costText: (value) => large(value).replace(/\.0+ /, ' '),
  });
  const time = scatter({
    ...common,
    id: `${id}-time`,
    title: `${metric} against measured time`,
    points: points(msOf),
    costLabel: `ms a request with ${candidates} candidates (logarithmic)`,
    costText: (ms) => String(Number(ms.toPrecision(2))),
  });
  const rows = trained.map((model) => [
    model.name,
    formatMetric(model.metrics[metric]!.mean),
    formatMetric(model.metrics[metric]!.deviation),
    flopsOf(model).toLocaleString('en-US'),
    msOf(model).toFixed(3),
  ]);
  return [
    `<h3>${titled('Quality against cost', protocol)}</h3>`,
    `<figure class="pair">${flops}${time}</figure>`,
    '<p class="note">Filled and joined: no other model is as good for less. Whiskers: standard deviation over the seeds.</p>',
    dataBehind('Quality against cost', [['model', metric, 'deviation', 'FLOPs a candidate', 'ms a request'], ...rows]),
  ];
}

/** The metric that chooses checkpoints, on validation, from step to step; the first seed of every model. */
export function curveChart({ protocol, models }: TableResult, id: string): string[] {
  const metric = protocol.validation;
  const lines = models.flatMap(({ name, runs }) => {
    const points = (runs[0]?.curve ?? []).flatMap(({ step, validation }) => {
      const value = validation?.[metric];
      return value === null || value === undefined ? [] : [{ x: step, y: value }];
    });
    return points.length === 0 ? [] : [{ name, points }];
  });
  if (lines.length === 0) return [];
  const title = titled(`Training: ${metric} on validation`, protocol);
  const rows = models.flatMap(({ name, runs }) =>
    runs.flatMap(({ seed, curve }) =>
      curve.flatMap(({ step, validation }) => {
        const value = validation?.[metric];
        return value === undefined
          ? []
          : [[name, String(seed), step.toLocaleString('en-US'), formatMetric(value ?? undefined)]];
      }),
    ),
  );
  return [
    `<h3>${escapeHtml(title)}</h3>`,
    `<figure class="panels">${linePanels({ id, title, lines, xLabel: 'step' }).join('')}</figure>`,
    '<p class="note">One seed of each model, the others faint behind it; all seeds are in the data.</p>',
    dataBehind(title, [['model', 'seed', 'step', metric], ...rows]),
  ];
}

/** Predicted against observed rates where the protocol is about rates. */
export function calibrationChart({ protocol, models }: TableResult, id: string): string[] {
  const drawn = models.filter(({ calibration }) => calibration.length > 0);
  if (!protocol.metrics.includes('logloss') || drawn.length === 0) return [];
  const panels = reliabilityPanels({ id, models: drawn.map(({ name, calibration }) => ({ name, bins: calibration })) });
  const rows = drawn.flatMap(({ name, calibration }) =>
    calibration.map(({ count, meanPrediction, meanLabel }) => [
      name,
      count.toLocaleString('en-US'),
      meanPrediction.toFixed(4),
      meanLabel.toFixed(4),
    ]),
  );
  return [
    `<h3>${titled('Calibration', protocol)}</h3>`,
    `<figure class="panels">${panels.join('')}</figure>`,
    '<p class="note">Exposures of the test part in ten groups by predicted rate, and how often it happened: on the dashed line both are the same. One seed of each model.</p>',
    dataBehind('Calibration', [['model', 'exposures', 'predicted', 'observed'], ...rows]),
  ];
}
