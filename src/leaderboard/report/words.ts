import type { Leaderboard, TableResult } from '../results.js';
import { byPlace, signed } from './tables.js';

/** What a table says, in sentences, by its first metric. */
export function conclusions({ protocol, models, baseline }: TableResult): string[] {
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
