import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { itemFeeds, requestFeeds } from '../../../data/batches.js';
import type { Dataset } from '../../../data/dataset.js';
import { loadRunData } from '../../data.js';
import { openRun, type Run } from '../../open.js';
import { readConfig } from '../../read-config.js';
import { TOY_CONFIG, writeToy } from '../../testing/toy.js';
import { trainRun } from '../../train.js';
import { exportVespa, VESPA_FILES } from './package.js';
import { schemaPlan } from './plan.js';
import { schemaText } from './schema.js';
import { dimensionsOf, evaluate, type NamedTensor } from './testing/expression.js';
import { blocksOf, expressionOf, only, parseSchema, type SchemaBlock } from './testing/grammar.js';

const SECOND_MODELS = {
  fit: { name: 'fit', embedding: 4 },
  din: { name: 'din', embedding: 4, attention: [4], towers: [8] },
};

let toy: string;
let dataset: Dataset;
const runs: Record<string, Run> = {};

async function trained(name: string, model: object): Promise<Run> {
  const file = join(toy, `${name}.yaml`);
  const training = { epochs: 1, batchSize: 128, learningRate: 0.01 };
  await writeFile(file, stringify({ ...TOY_CONFIG, model, training }));
  return openRun((await trainRun(readConfig(file), { out: join(toy, name) })).folder);
}

beforeAll(async () => {
  toy = await mkdtemp(join(tmpdir(), 'twotower-'));
  await writeToy(toy, 300);
  runs.dssm = await trained('dssm', { name: 'dssm', embedding: 4, towers: [8], width: 4 });
  runs.comirec = await trained('comirec', { name: 'comirec', embedding: 4, interests: 2 });
  for (const [name, model] of Object.entries(SECOND_MODELS)) runs[name] = await trained(name, model);
  dataset = await loadRunData(runs.dssm.config);
}, 120_000);
afterAll(async () => {
  for (const run of Object.values(runs)) await run.release();
  await rm(toy, { recursive: true });
});

interface Put {
  put: string;
  fields: Record<string, string | number[]>;
}

/** An exported folder, read back with nothing but Vespa's formats. */
function readBack(folder: string) {
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  const lines = text(VESPA_FILES.feed).trimEnd().split('\n');
  return {
    schema: parseSchema(text(VESPA_FILES.schema)),
    puts: lines.map((line) => JSON.parse(line) as Put),
    query: JSON.parse(text(VESPA_FILES.query)) as Record<string, unknown>,
    services: text(VESPA_FILES.services),
  };
}

function profileOf(schema: SchemaBlock, name: string): SchemaBlock {
  return blocksOf(schema, 'rank-profile').find(({ head }) => head.name === name)!;
}

/** What a profile's expressions may name, of one document and one query. */
function namesOf(schema: SchemaBlock, profile: SchemaBlock, put: Put, states: Record<string, number[]>) {
  const types = new Map<string, string>();
  for (const { head } of blocksOf(only(schema, 'document'), 'field')) types.set(`attribute(${head.name})`, head.type!);
  for (const { values } of only(profile, 'inputs').statements) types.set(`query(${values.name})`, values.type!);
  const functions = new Map(blocksOf(profile, 'function').map((one) => [one.head.name!, expressionOf(one)]));
  const names = (feature: string): NamedTensor => {
    const expression = functions.get(feature);
    if (expression !== undefined) return evaluate(expression, names);
    const dimensions = dimensionsOf(types.get(feature)!);
    const name = /\((\w+)\)/.exec(feature)![1]!;
    const cells = (feature.startsWith('query') ? states[name] : put.fields[name]) as number[];
    expect(cells).toHaveLength(dimensions.reduce((a, { size }) => a * size, 1));
    return { dimensions, cells };
  };
  return names;
}

const USERS = 6;

/** States of some users and all items of a run. */
async function statesOf(run: Run) {
  const users = Int32Array.from({ length: USERS }, (_, i) => i * 7);
  const requests = requestFeeds(dataset, { users, times: users.map(() => 2_000_000_000) });
  const rows = Int32Array.from({ length: dataset.items.count - 1 }, (_, i) => i + 1);
  return { user: await run.inference.users(requests), item: await run.inference.items(itemFeeds(dataset, rows)) };
}

/** Inputs of a query by their names, of one of the users. */
function queryOf(user: number, ...states: [string, Awaited<ReturnType<typeof statesOf>>][]): Record<string, number[]> {
  const inputs = states.flatMap(([prefix, { user: known }]) =>
    Object.entries(known).map(([name, { data }]) => {
      const width = data.length / USERS;
      const cells = Array.from(data.subarray(user * width, (user + 1) * width));
      return [`${prefix}${name.replaceAll(/\W/g, '_')}`, cells] as const;
    }),
  );
  return Object.fromEntries(inputs);
}

async function secondPhase(folder: string, profile: SchemaBlock, names: (feature: string) => NamedTensor) {
  const model = only(profile, 'onnx-model');
  const session = await ort.InferenceSession.create(join(folder, VESPA_FILES.score));
  const feeds: Record<string, ort.Tensor> = {};
  for (const { kind, values } of model.statements) {
    if (kind !== 'input') continue;
    const { dimensions, cells } = names(values.source!);
    // Dimensions are bound in the order of their names, which must be d0, d1, and so on.
    expect(dimensions.map(({ name }) => name)).toEqual(dimensions.map((_, i) => `d${i}`));
    const sizes = dimensions.map(({ size }) => size);
    const at = session.inputNames.indexOf(values.name!);
    const { type } = session.inputMetadata[at] as { type: 'int32' | 'float32' };
    feeds[values.name!] =
      type === 'int32'
        ? new ort.Tensor('int32', Int32Array.from(cells), sizes)
        : new ort.Tensor('float32', Float32Array.from(cells), sizes);
  }
  expect(Object.keys(feeds).sort()).toEqual([...session.inputNames].sort());
  const { logit } = await session.run(feeds);
  await session.release();
  return (logit!.data as Float32Array).reduce((a, b) => a + b, 0);
}

describe('one run for both phases', () => {
  let folder: string;
  beforeAll(async () => {
    folder = join(toy, 'vespa');
    await exportVespa(runs.dssm!, folder);
  });

  test('the feed holds every known item once, in the fields of the schema', () => {
    const { schema, puts } = readBack(folder);
    expect(puts.map(({ fields }) => fields.item_key)).toEqual(dataset.items.keys.slice(1));
    expect(puts[0]!.put).toBe(`id:generated_log:item::${dataset.items.keys[1]}`);
    const fields = blocksOf(only(schema, 'document'), 'field').map(({ head }) => head.name);
    for (const put of puts) expect(Object.keys(put.fields)).toEqual(fields);
  });

  test('the vector is indexed under the inner product', () => {
    const { schema } = readBack(folder);
    const [, vector] = blocksOf(only(schema, 'document'), 'field');
    expect(vector!.head).toEqual({ name: 'item_vector', type: 'tensor<float>(d1[5])' });
    expect(only(vector!, 'attribute').statements[0]!.values.metric).toBe('dotproduct');
    expect(only(only(vector!, 'index'), 'hnsw').statements).toHaveLength(2);
  });

  test('the first phase gives the inner products that the run retrieves by', async () => {
    const { schema, puts } = readBack(folder);
    const states = await statesOf(runs.dssm!);
    const wanted = await runs.dssm!.inference.retrieve(states.user, states.item);
    for (const name of ['retrieve', 'cascade']) {
      const profile = profileOf(schema, name);
      const expression = expressionOf(only(profile, 'first-phase'));
      for (let user = 0; user < USERS; user++) {
        const query = queryOf(user, ['', states]);
        for (const [i, put] of puts.entries()) {
          const { dimensions, cells } = evaluate(expression, namesOf(schema, profile, put, query));
          expect(dimensions).toEqual([]);
          expect(Math.abs(cells[0]! - wanted[user * puts.length + i]!)).toBeLessThanOrEqual(1e-5);
        }
      }
    }
  });

  test('the example query names what the schema has', () => {
    const { schema, query } = readBack(folder);
    const inputs = only(profileOf(schema, 'cascade'), 'inputs').statements;
    for (const { values } of inputs) {
      expect(query[`input.query(${values.name})`]).toHaveLength(
        dimensionsOf(values.type!).reduce((a, { size }) => a * size, 1),
      );
    }
    expect(query.yql).toBe('select item_key from item where {targetHits:500}nearestNeighbor(item_vector,user_vector)');
    expect(query.ranking).toBe('cascade');
  });

  test('services hold documents of the schema', () => {
    const { services } = readBack(folder);
    const opened: string[] = [];
    for (const [, closing, name, alone] of services.matchAll(/<(\/?)([\w-]+)[^>]*?(\/?)>/g)) {
      if (closing === '/') expect(opened.pop()).toBe(name);
      else if (alone !== '/') opened.push(name!);
    }
    expect(opened).toEqual([]);
    expect(services).toContain('<document type="item" mode="index"/>');
  });
});

test.each(Object.keys(SECOND_MODELS))('%s orders the second phase as its score part does', async (name) => {
  const second = runs[name]!;
  const folder = join(toy, `vespa-${name}`);
  const { attributes } = await exportVespa(runs.dssm!, folder, { second, keep: 30, rerank: 10 });
  expect(attributes[0]!.name).toBe('item_vector');
  const { schema, puts, query } = readBack(folder);
  const profile = profileOf(schema, 'cascade');
  expect(only(profile, 'first-phase').statements[0]).toEqual({ kind: 'keep-rank-count', values: { value: '30' } });
  expect(only(profile, 'second-phase').statements[0]).toEqual({ kind: 'rerank-count', values: { value: '10' } });
  expect(query.yql).toContain('{targetHits:30}');
  expect(existsSync(join(folder, VESPA_FILES.second, 'user.onnx'))).toBe(true);

  const [first, own] = [await statesOf(runs.dssm!), await statesOf(second)];
  const request = Int32Array.from({ length: puts.length }, () => 2);
  const rows = request.map((_, i) => i);
  const wanted = await second.inference.pairs(own.user, own.item, request, rows);
  const query2 = queryOf(2, ['', first], ['second_', own]);
  for (const [i, put] of puts.slice(0, 12).entries()) {
    const names = namesOf(schema, profile, put, query2);
    const score = await secondPhase(folder, profile, names);
    const expression = expressionOf(only(profile, 'second-phase'));
    expect(expression).toBe('sum(onnx(score).logit)');
    expect(Math.abs(score - wanted[i]!)).toBeLessThanOrEqual(1e-5);
  }
});

test.each([
  ['    rank-profile retrieve {', '    rank-profile retrieve inherits nothing at all {', 'no block of schema'],
  ['keep-rank-count: 500', 'keep-rank-count: many', 'no statement of first-phase'],
  ['field item_vector type tensor<float>(d1[5])', 'field item_vector type tensor<float>(d1[5],d2[2])', 'one dimension'],
  ['input "item.vector": item_vector_batch', 'input "item.vector": item_vector_row', 'item_vector_row is nothing'],
  ['field item_key type', 'field index type', 'reserved'],
])('the checker refuses a schema with %s → %s', async (right, wrong, message) => {
  const plan = schemaPlan(runs.dssm!, { keep: 500, rerank: 100 });
  const text = schemaText(plan);
  expect(text).toContain(right);
  expect(() => parseSchema(text)).not.toThrow();
  expect(() => parseSchema(text.replace(right, wrong))).toThrow(message);
});

test('what Vespa cannot express is refused', async () => {
  const out = join(toy, 'none');
  await expect(exportVespa(runs.fit!, out)).rejects.toThrow('score is no inner product');
  await expect(exportVespa(runs.comirec!, out)).rejects.toThrow('2 vectors a user');
  await expect(exportVespa(runs.dssm!, out, { keep: 10, rerank: 11 })).rejects.toThrow(
    'score 11 documents where the first keeps 10',
  );
  expect(existsSync(out)).toBe(false);
});
