import { formatMetric } from '../../evaluation/report.js';
import { lowerIsBetter } from '../protocols.js';
import type { Leaderboard, TableResult } from '../results.js';
import { byPlace, signed } from './tables.js';

/** What a table says, in sentences, by its first metric. */
export function conclusions({ protocol, models, baseline, references, published }: TableResult): string[] {
  const metric = protocol.metrics[0]!;
  const ordered = byPlace(models, metric);
  const judged = (verdict: string) =>
    ordered.flatMap(({ name, metrics }) => {
      const comparison = metrics[metric]?.comparison;
      return comparison?.verdict === verdict ? [`${name} (${signed(comparison.difference)})`] : [];
    });
  const same = judged('no significant difference');
  const sentences = [
    ...sentence(judged('better'), `better than ${baseline}`),
    ...sentence(judged('worse'), `worse than ${baseline}`),
    ...(same.length === 0 ? [] : [`No significant difference from ${baseline}: ${listed(same)}.`]),
  ];
  const missing = models.filter(({ runs }) => runs.length === 0).map(({ name }) => name);
  if (missing.length > 0) sentences.push(`Training of ${listed(missing)} diverged with every seed.`);
  for (const { name, about = name, values } of references) {
    const reached = values[metric];
    if (reached === null || reached === undefined) continue;
    const beaten = (mean: number) => (lowerIsBetter(metric) ? mean > reached : mean < reached);
    const below = ordered.filter(({ metrics }) => metrics[metric] !== undefined && beaten(metrics[metric].mean));
    const than = below.length === 0 ? 'worse than every model' : `better than ${listed(below.map(({ name }) => name))}`;
    const printed = Object.entries(published?.values ?? {}).filter(([, figures]) => beaten(figures[metric] ?? reached));
    const beside =
      printed.length === 0 ? '' : `; better than the printed figures of ${listed(printed.map(([model]) => model))}`;
    sentences.push(`Without any of these models, ${about} reaches ${formatMetric(reached)}: ${than}${beside}.`);
  }
  const seeds = Math.min(...models.map(({ runs }) => runs.length));
  if (seeds < 2)
    sentences.push('Some models have one seed only: what another seed would give is not in these judgements.');
  return sentences.map((text, i) => (i === 0 ? `By ${metric}: ${text}` : text));
}

function sentence(names: readonly string[], what: string): string[] {
  if (names.length === 0) return [];
  return [`${listed(names)} ${names.length === 1 ? 'is' : 'are'} significantly ${what}.`];
}

/** `a`, `a and b`, `a, b and c` */
function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** What must be said before any figure of a table; nothing where nothing leaks. */
export function warning({ protocol }: TableResult): string[] {
  if (protocol.pipeline === undefined) return [];
  return [
    'LEAKY: features of the test part are made of the labels to be predicted. These figures are here to be compared with printed ones that have the same leak, and with nothing else.',
  ];
}

/** What a table rests on, in one line. */
export function basis({ dataset, dataHash, counts, protocol, trials }: TableResult): string {
  const number = (value: number) => value.toLocaleString('en-US');
  const settings =
    trials === 0
      ? 'Models are trained as their configurations say.'
      : `Every model was tuned with ${number(trials)} ${trials === 1 ? 'trial' : 'trials'}, judged on validation alone.`;
  return `${dataset} (data ${dataHash.slice(0, 12)}): ${number(counts.train)} training, ${number(counts.validation)} validation, ${number(counts.test)} test exposures of ${number(counts.testUsers)} users; the checkpoint of every run is chosen by ${protocol.validation} on validation. ${settings}`;
}

/** Versions and machine, in one line. */
export function madeWith({ environment }: Leaderboard): string {
  const { twotower, node, onnxruntime, cores, cpu } = environment;
  return `twotower ${twotower}, node ${node}, ONNX Runtime ${onnxruntime}, ${cores} cores of ${cpu}.`;
}
