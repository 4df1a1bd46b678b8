import type { Dataset } from '../data/dataset.js';
import type { LoadProgress } from '../data/load.js';
import { type GraphCost, graphCost } from '../graph/cost.js';
import type { ModelDefinition, ModelParts } from '../models/contract.js';
import { MODELS } from '../models/index.js';
import type { Feature, Schema } from '../schema.js';
import { buildServingParts } from '../training/serving-graph.js';
import { completeConfig, modelOf, type RunConfig, type RunInput } from './config.js';
import { loadRunData, withLabel } from './data.js';
import type { Run } from './open.js';

/** One feature that the model is offered. */
export interface FeatureRow {
  /** `user`, `item`, `context`, or `history.NAME`. */
  owner: string;
  name: string;
  encoding: Feature['encoding'];
  vocabulary?: string;
  /** Rows of the vocabulary, the unknown row included. */
  rows?: number;
  /** Ids kept of a list, events kept of a history. */
  maxLength?: number;
  /** Numbers in the vector. */
  width?: number;
}

/** What one part of the model costs each time it runs, for one item, request or candidate. */
export type PartCost = Omit<GraphCost, 'scopes'>;

/** A model as it would be served. */
export interface ModelInspection {
  model: RunConfig['model'];
  features: FeatureRow[];
  parameters: {
    total: number;
    /** Embedding tables, of which a request touches a few rows. */
    tables: number;
    /** Everything else that is learned. */
    dense: number;
    /** Running statistics, which are not learned by gradient. */
    statistics: number;
    /** The same numbers by the place in the model. */
    scopes: Record<string, number>;
  };
  /** `item` per item, `user` per request, `score` per candidate, `rerank` per list of one candidate; the state is what the part puts out. */
  cost: Record<string, PartCost>;
}

/** Looks over the model of a configuration, for which its data is loaded to learn the vocabularies. */
export async function inspectConfig(
  input: RunInput | RunConfig,
  options: {
    dataset?: Dataset;
    onProgress?: (progress: LoadProgress) => void;
    // biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
    models?: readonly ModelDefinition<any>[];
  } = {},
): Promise<ModelInspection> {
  const models = [...MODELS, ...(options.models ?? [])];
  const config = completeConfig(input, 'config', models);
  const { definition, options: modelOptions } = modelOf(config, models);
  const dataset = options.dataset
    ? withLabel(options.dataset, config.label)
    : await loadRunData(config, { ...(options.onProgress && { onProgress: options.onProgress }) });
  return inspectModel(config.model, definition.create(dataset.schema, modelOptions), dataset.schema);
}

/** Looks over the model of a run; no data is read. */
export function inspectRun({ config, model, schema }: Run): ModelInspection {
  return inspectModel(config.model, model, schema);
}

function inspectModel(named: RunConfig['model'], model: ModelParts, schema: Schema): ModelInspection {
  const serving = buildServingParts(model, schema);
  const parameters: ModelInspection['parameters'] = { total: 0, tables: 0, dense: 0, statistics: 0, scopes: {} };
  for (const { name, kind, shape } of serving.parameters) {
    const count = shape.reduce((a, b) => a * b, 1);
    parameters.total += count;
    parameters[kind === 'table' ? 'tables' : kind === 'dense' ? 'dense' : 'statistics'] += count;
    const path = name.split('/');
    const scope = kind === 'table' ? name : path.slice(0, Math.min(2, Math.max(1, path.length - 1))).join('/');
    parameters.scopes[scope] = (parameters.scopes[scope] ?? 0) + count;
  }
  const cost: ModelInspection['cost'] = {};
  for (const part of ['item', 'user', 'score', 'rerank'] as const) {
    const outputs = serving[part];
    if (outputs === undefined) continue;
    const { scopes: _, ...total } = graphCost(Object.values(outputs), { I: 1, B: 1, N: 1 });
    cost[part] = total;
  }
  return { model: named, features: featureRows(schema), parameters, cost };
}

function featureRows(schema: Schema): FeatureRow[] {
  const row = (owner: string, feature: Feature, length?: number): FeatureRow => ({
    owner,
    name: feature.name,
    encoding: feature.encoding,
    ...(feature.encoding === 'numbers'
      ? { width: feature.width }
      : { vocabulary: feature.vocabulary, rows: feature.size }),
    ...(feature.encoding === 'ids' && { maxLength: feature.maxLength }),
    ...(length !== undefined && { maxLength: length }),
  });
  return [
    ...[...schema.user, ...schema.context, ...schema.item].map((feature) => row(feature.owner, feature)),
    ...schema.histories.flatMap(({ name, maxLength, features }) =>
      features.map((feature) => row(`history.${name}`, feature, maxLength)),
    ),
  ];
}
