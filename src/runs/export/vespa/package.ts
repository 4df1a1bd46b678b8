import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../../../data/dataset.js';
import { writeFolderAtomic } from '../../../files.js';
import type { HostState } from '../../../training/inference.js';
import { loadRunData, type RunDataOptions } from '../../data.js';
import { exportModel } from '../../export.js';
import { refuseUsedFolder } from '../../folder.js';
import type { Run } from '../../open.js';
import { checkSameItems, itemStates, loadItems } from '../item-states.js';
import { type Documents, values, writeFeed } from './feed.js';
import { schemaPlan } from './plan.js';
import { attributesOf, queryInputsOf, SCHEMA, SCORE, type SchemaPlan, schemaText } from './schema.js';
import { servicesText } from './services.js';
import type { StateTensor } from './tensors.js';

/** Files of an exported folder. */
export const VESPA_FILES = {
  services: 'application/services.xml',
  schema: `application/schemas/${SCHEMA.document}.sd`,
  score: `application/${SCORE.file}`,
  feed: 'feed.jsonl',
  query: 'query.json',
  model: 'model',
  second: 'second-model',
} as const;

export interface VespaOptions extends RunDataOptions {
  /** The run whose score part orders the second phase; the exported run itself unless given. */
  second?: Run | undefined;
  /** N₁: documents that the first phase keeps on each content node; 500 unless given. */
  keep?: number | undefined;
  /** N₂: documents that the second phase scores on each content node; 100 unless given. */
  rerank?: number | undefined;
}

export interface VespaPackage {
  /** Documents in the feed. */
  documents: number;
  /** Item states as attributes of the documents, user states as inputs of a query. */
  attributes: StateTensor[];
  inputs: StateTensor[];
  keep: number;
  rerank: number;
}

/**
 * Writes what Vespa needs to answer with a run, whole or not at all:
 *
 *     application/services.xml      one container and one content node
 *     application/schemas/item.sd   item states as tensors; the rank profiles `retrieve` and `cascade`
 *     application/files/score.onnx  the score part of the second phase
 *     feed.jsonl                    a put operation for each item
 *     query.json                    a query of an unknown user, as the body of a POST to /search/
 *     model/, second-model/         all parts of the runs: their user parts make the states that a query brings along
 *
 * Experimental: it follows Vespa's documentation and has not been deployed.
 *
 * @throws USAGE for a model whose score cannot be a first phase, or a folder in use; RUN_INVALID and DATA_… of the runs' data
 */
export async function exportVespa(run: Run, folder: string, options: VespaOptions = {}): Promise<VespaPackage> {
  refuseUsedFolder(folder);
  const { second, keep = 500, rerank = 100, ...data } = options;
  const plan = schemaPlan(run, { second, keep, rerank });
  const dataset = await loadItems(run, data);
  const sources = [{ run, dataset }];
  if (second !== undefined) {
    const own = second.record.dataHash === run.record.dataHash ? dataset : await loadRunData(second.config, data);
    checkSameItems(second, own, dataset);
    sources.push({ run: second, dataset: own });
  }
  const attributes = attributesOf(plan);
  const inputs = queryInputsOf(plan);
  let documents = 0;
  await writeFolderAtomic(folder, async (temporary) => {
    for (const path of ['application/schemas', 'application/files']) {
      await mkdir(join(temporary, path), { recursive: true });
    }
    await writeFile(join(temporary, VESPA_FILES.services), servicesText());
    await writeFile(join(temporary, VESPA_FILES.schema), schemaText(plan));
    const models = [VESPA_FILES.model, VESPA_FILES.second];
    for (const [i, { run: one }] of sources.entries()) {
      await exportModel(one.inference, one.schema, one.config, one.record, join(temporary, models[i]!));
    }
    const scored = join(temporary, models[sources.length - 1]!, 'score.onnx');
    await copyFile(scored, join(temporary, VESPA_FILES.score));
    const feed = join(temporary, VESPA_FILES.feed);
    documents = await writeFeed(feed, dataset.name, attributes, documentBlocks(sources, attributes));
    const query = await exampleQuery(sources, plan, inputs);
    await writeFile(join(temporary, VESPA_FILES.query), `${JSON.stringify(query, null, 2)}\n`);
  });
  return { documents, attributes, inputs, keep, rerank };
}

interface Source {
  run: Run;
  /** The run's own. */
  dataset: Dataset;
}

/** The states of all runs side by side, by their names in the schema. */
async function* documentBlocks(
  sources: readonly Source[],
  attributes: readonly StateTensor[],
): AsyncGenerator<Documents> {
  const streams = sources.map(({ run, dataset }) => itemStates(run, dataset));
  for (;;) {
    const blocks = await Promise.all(streams.map((stream) => stream.next()));
    const [first] = blocks;
    if (first === undefined || first.done) return;
    const states = blocks.map((block) => (block.value as typeof first.value).states);
    yield { keys: first.value.keys, states: byName(attributes, states) };
  }
}

/** Picks each tensor from the states of the run it belongs to. */
function byName(tensors: readonly StateTensor[], states: readonly HostState[]): HostState {
  return Object.fromEntries(tensors.map(({ name, input, run }) => [name, states[run]![input]!]));
}

/** A query of a user of whom nothing is known. */
async function exampleQuery(
  sources: readonly Source[],
  { query, key, keep }: SchemaPlan,
  inputs: readonly StateTensor[],
) {
  const states = await Promise.all(
    sources.map(({ run }) => run.inference.users(run.featurizer().encodeUsers({ users: [{}] }))),
  );
  const named = byName(inputs, states);
  return {
    yql: `select ${SCHEMA.key} from ${SCHEMA.document} where {targetHits:${keep}}nearestNeighbor(${key.name},${query.name})`,
    ranking: SCHEMA.cascade,
    hits: 20,
    ...Object.fromEntries(inputs.map(({ name, shape }) => [`input.query(${name})`, values(named, name, 0, shape)])),
  };
}
