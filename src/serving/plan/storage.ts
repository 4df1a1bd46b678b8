import { parseIndexOptions } from '../../cascade/index/build.js';
import { scanLayout } from '../../cascade/index/scan-code.js';
import type { Phase } from '../contract.js';
import { type Figure, figure, measure, short } from './figure.js';
import type { Rates } from './rates.js';
import { ownIdRows, type Subject } from './subject.js';
import { farness, ratesOf, searchedBy } from './work.js';

/** Bytes of an item besides its states: its key as text, in a map and in an array, and marks of the workers. */
const KEY_BYTES = 130;
/** Bytes of an item in the graph besides its vector: links, and what the library keeps of a node. */
const NODE_BYTES = 212;

/** Values that Adam keeps for each weight, the weight itself among them. */
const ADAM = 3;

/** What has to be kept for the catalogue, and made when it is published. */
export interface Storage {
  /** Of one server, and what it consists of. */
  memory: Figure;
  parts: { name: string; memory: Figure }[];
  /** Of a published version: what each server fetches. */
  artifact: Figure;
  /** Seconds of one core: states of all items by phase, and the index. */
  encode: { phase: Phase; time: Figure }[];
  link: Figure | undefined;
  build: Figure;
  /** Of the trainer with the largest tables: those that have a row for each item, with the memory of Adam. */
  tables: Figure;
}

/** @param workers of a server, each of which has its own sessions and its own index */
export function storage(subject: Subject, rates: Rates, items: number, workers: number): Storage {
  const parts: Storage['parts'] = [];
  const add = (name: string, value: number, formula: string) =>
    parts.push({ name, memory: figure(value, 'B', formula) });
  add('process', rates.service.memoryBytes, 'measured with hardly any items');
  const stateBytes = subject.phases.reduce((sum, { cost }) => sum + cost.stateBytes, 0);
  add('item states', items * stateBytes, `${short(items)} × ${byPhase(subject, ({ cost }) => cost.stateBytes)}`);
  add('keys', items * KEY_BYTES, `${short(items)} × ${KEY_BYTES} B`);
  const grown = subject.phases.map(({ cost, schema }) => {
    // Tables of the items' own ids grow with the catalogue when it is trained on.
    const more = Math.max(0, items + 1 - ownIdRows(schema));
    return { bytes: cost.weightBytes, more: cost.servingBytesPerItem === 0 ? 0 : more * cost.servingBytesPerItem };
  });
  const weights = grown.reduce((sum, { bytes, more }) => sum + bytes + more, 0);
  add('weights', workers * weights, `${workers} workers × ${measure(weights, 'B')}`);
  const indexed = retrievalOf(subject);
  const isGraph = indexed !== undefined && searchedBy(rates, items) === 'index';
  const graph = isGraph ? items * (6 * (indexed.width + 1) + NODE_BYTES) : 0;
  if (isGraph) {
    const each = `${4 * (indexed.width + 1)} B vector + ${2 * (indexed.width + 1)} B in the graph + ${NODE_BYTES} B node`;
    add('index', workers * graph, `${workers} workers × ${short(items)} × (${each})`);
  } else if (indexed !== undefined) {
    const { stride } = scanLayout(indexed.width);
    add('codes of vectors', workers * items * stride, `${workers} workers × ${short(items)} × ${stride} B`);
  }
  const total = parts.reduce((sum, { memory }) => sum + memory.value, 0);
  const artifact = items * stateBytes + weights + graph;
  const encode = subject.phases.map(({ phase, cost }) => {
    const rate = ratesOf(rates, phase).itemFlopsPerSecond;
    const formula = `${short(items)} × ${measure(cost.item, 'FLOP')} / ${measure(rate, 'FLOP/s')}`;
    return { phase, time: figure((items * cost.item) / rate, 's', formula) };
  });
  const perItem = Math.max(...subject.phases.map(({ cost }) => cost.trainingBytesPerItem));
  const link = isGraph ? linkTime(rates.index!, items) : undefined;
  const build = encode.reduce((sum, { time }) => sum + time.value, link?.value ?? 0);
  return {
    memory: figure(total, 'B', parts.map(({ name, memory }) => `${name} ${measure(memory.value, 'B')}`).join(' + ')),
    parts,
    artifact: figure(artifact, 'B', `states + weights${isGraph ? ' + index' : ''}, raw columns not counted`),
    encode,
    link,
    tables: figure(ADAM * items * perItem, 'B', `${ADAM} × ${short(items)} × ${measure(perItem, 'B')}`),
    build: figure(
      build,
      's',
      [...encode.map(({ phase }) => `states of ${phase}`), ...(link ? ['index'] : [])].join(' + '),
    ),
  };
}

function linkTime(index: NonNullable<Rates['index']>, items: number): Figure {
  const steps = Math.log2(items) / Math.log2(index.rows);
  const far = farness(index, items);
  return figure(
    (items * index.linkMsPerRow * steps * far) / 1000,
    's',
    `${short(items)} × ${short(index.linkMsPerRow)} ms × log n / log n₀ = ${short(steps)} × far ${short(far)}; ${parseIndexOptions({}).buildThreads} thread`,
  );
}

function retrievalOf({ phases }: Subject): { width: number; vectors: number } | undefined {
  return phases.find(({ phase }) => phase === 'retrieve')?.cost.vector;
}

function byPhase({ phases }: Subject, bytes: (phase: Subject['phases'][number]) => number): string {
  return `(${phases.map((phase) => `${phase.phase} ${bytes(phase)} B`).join(' + ')})`;
}
