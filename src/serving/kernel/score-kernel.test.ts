import { expect, test } from 'vitest';
import { findModel, MODELS } from '../../models/index.js';
import { distance, takeRows } from '../../testing/compare.js';
import { ToyModel } from '../../testing/toy-model.js';
import { buildServingParts, compilePart } from '../../training/serving-graph.js';
import { emptyStates, writeRows } from '../engine/item-states.js';
import type { PartManifest } from '../manifest.js';
import { compileScore } from './compile-score.js';
import { ScoreKernel } from './score-kernel.js';

/** No multiple of how many are computed side by side; twice as many are more than are computed in one go. */
const ITEMS = 11;
const REQUESTS = 3;

/** A model's score part as a version has it, with the states of some items in a table of so many rows. */
async function published(model: ToyModel, capacity = ITEMS) {
  const { parts, dataset, source, inference } = model;
  const { onnx, inputs, outputs } = compilePart('score', buildServingParts(parts, dataset.schema), {
    embed: (name) => source.values(name),
  });
  const items = await inference.items(model.items(ITEMS));
  const states = emptyStates(items, capacity);
  const everyRow = Int32Array.from({ length: ITEMS }, (_, row) => row);
  writeRows(states, everyRow, items);
  return {
    onnx,
    part: { file: '', inputs, outputs } as PartManifest,
    states,
    items,
    users: await inference.users(model.requests(REQUESTS)),
  };
}

/** Largest difference between the kernel's scores of lists of every length and those of the model; undefined where there is no kernel. */
async function difference(model: ToyModel, capacity?: number): Promise<number | undefined> {
  const { onnx, part, states, items, users } = await published(model, capacity);
  const compiled = compileScore(onnx, part, states);
  if (compiled === undefined) return undefined;
  const kernel = ScoreKernel.create(compiled);
  let largest = 0;
  for (let request = 0; request < REQUESTS; request++) {
    const user = takeRows(users, [request]);
    const wanted = await model.inference.score(user, items);
    for (const count of [1, 2, 5, ITEMS, 2 * ITEMS]) {
      const rows = Int32Array.from({ length: count }, (_, i) => (7 * i + 3) % ITEMS);
      const found = new Float32Array(count);
      kernel.score(user, states, rows, count, found);
      largest = Math.max(
        largest,
        distance(
          found,
          Float32Array.from(rows, (row) => wanted[row]!),
        ),
      );
    }
  }
  return largest;
}

async function differenceOf(name: string, options?: object, capacity?: number): Promise<number | undefined> {
  const model = await ToyModel.create(findModel(name), options);
  try {
    return await difference(model, capacity);
  } finally {
    await model.release();
  }
}

test('scores as ONNX Runtime does, whichever model is made of operators that are known', async () => {
  const compiled: string[] = [];
  for (const { name } of MODELS) {
    const found = await differenceOf(name);
    if (found === undefined) continue;
    compiled.push(name);
    expect(found, name).toBeLessThan(1e-5);
  }
  const small = [
    'comirec',
    'dat',
    'dssm',
    'hit',
    'inttower',
    'lt-ttd',
    'ranktower',
    'sparcode',
    't2diff',
    'youtube-dnn',
  ];
  expect(compiled).toEqual(small);
}, 120_000);

const TOY = { embedding: 4, trunk: [8], heads: 4, width: 8 };

test.each<[string, object]>([
  ['with both directions', TOY],
  ['with one that looks at the item', { ...TOY, crossAttention: 'user' }],
  ['with one that looks at the user', { ...TOY, crossAttention: 'item' }],
  ['without any', { ...TOY, crossAttention: 'none' }],
  ['with two attention heads', { ...TOY, attentionHeads: 2 }],
  ['without gates', { ...TOY, attentionGate: false }],
  ['with biases', { ...TOY, biases: true }],
  ['of odd sizes', { ...TOY, heads: 3, width: 5 }],
  ['of one head', { ...TOY, heads: 1, width: 2 }],
  ['of wide heads', { ...TOY, heads: 2, width: 72 }],
])(
  'scores RankTower %s as ONNX Runtime does',
  async (_, options) => {
    expect(await differenceOf('ranktower', options)).toBeLessThan(1e-5);
  },
  60_000,
);

test('scores items of a table that is larger than the caches', async () => {
  for (const name of ['dssm', 'ranktower'])
    expect(await differenceOf(name, undefined, 2 ** 18), name).toBeLessThan(1e-5);
}, 60_000);

test('large matrices stay with ONNX Runtime', async () => {
  expect(await differenceOf('ranktower', { ...TOY, heads: 16, width: 32 })).toBeUndefined();
}, 60_000);

test('a state that is no number makes no other score than its own', async () => {
  const model = await ToyModel.create(findModel('ranktower'), TOY);
  const { onnx, part, states, users } = await published(model);
  const kernel = ScoreKernel.create(compileScore(onnx, part, states)!);
  const rows = Int32Array.from({ length: ITEMS }, (_, row) => row);
  const [before, after] = [new Float32Array(ITEMS), new Float32Array(ITEMS)];
  kernel.score(takeRows(users, [0]), states, rows, ITEMS, before);
  const { offset } = states.layout['item.heads']!;
  new Float32Array(states.memory)[5 * states.stride + offset + 1] = Number.NaN;
  kernel.score(takeRows(users, [0]), states, rows, ITEMS, after);
  before[5] = Number.NaN;
  expect([...after]).toEqual([...before]);
  await model.release();
}, 60_000);
