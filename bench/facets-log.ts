import type { Dataset, EncodedColumn } from '../src/data/dataset.js';
import { generateDataset } from '../src/data/generate.js';
import { Random } from '../src/random.js';
import type { NumbersFeature, Owner } from '../src/schema.js';

const WIDTH = 8;
const FACETS = 4;
/** Spread of the log-odds. */
const SPREAD = 4;

export interface FacetsLog {
  dataset: Dataset;
  /** The log-odds of a click that the log was drawn with, for every event. */
  truth: Float32Array;
  /** The part of `truth` that a single vector of an item could tell: the inner product of taste and the sum of its facets. */
  additive: Float32Array;
}

/**
 * A log in which an item is liked for any one of its facets: a user has one taste t, an item four facets f, random directions in
 * 8 dimensions, and the log-odds of a click follow max_j ⟨t, f_j⟩. Models are given t and all f as numbers and
 * no ids, so that nothing has to be learned but how to compare them. About half of the variance of that maximum is linear in the facets and
 * within the reach of one inner product; the rest is interaction.
 */
export function generateFacetsLog(seed: number, events: number): FacetsLog {
  const base = generateDataset({ users: 30_000, items: 3000, events, seed, history: false, context: false });
  const tastes = directions(base.users.count, Random.of(seed, 'facets', 'tastes'));
  const facets = directions(base.items.count * FACETS, Random.of(seed, 'facets', 'facets'));
  const { user, item } = base.events;
  const truth = new Float32Array(base.events.count);
  const additive = new Float32Array(base.events.count);
  for (let row = 0; row < truth.length; row++) {
    const products = Array.from({ length: FACETS }, (_, j) =>
      inner(tastes, user[row]!, facets, item[row]! * FACETS + j),
    );
    truth[row] = Math.max(...products);
    additive[row] = products.reduce((a, b) => a + b);
  }
  standardize(truth);
  const random = Random.of(seed, 'facets', 'clicks');
  const click = truth.map((logit) => (random.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0));
  const taste = numbers('user', 'taste', WIDTH, tastes);
  const shown = numbers('item', 'facets', WIDTH * FACETS, facets);
  return {
    truth,
    additive,
    dataset: {
      ...base,
      name: 'facets',
      schema: { user: [taste.feature], item: [shown.feature], context: [], histories: [] },
      users: { ...base.users, columns: new Map([['taste', taste.column]]) },
      items: { ...base.items, columns: new Map([['facets', shown.column]]) },
      events: { ...base.events, feedback: new Map([['click', click]]) },
    },
  };
}

/** Random vectors of length 1, one after the other. */
function directions(count: number, random: Random): Float32Array {
  const values = Float32Array.from({ length: count * WIDTH }, () => random.normal());
  for (let row = 0; row < count; row++) {
    const size = Math.sqrt(inner(values, row, values, row));
    for (let k = 0; k < WIDTH; k++) values[row * WIDTH + k]! /= size;
  }
  return values;
}

function inner(a: Float32Array, i: number, b: Float32Array, j: number): number {
  let sum = 0;
  for (let k = 0; k < WIDTH; k++) sum += a[i * WIDTH + k]! * b[j * WIDTH + k]!;
  return sum;
}

/** To mean 0 and the wanted spread, in place. */
function standardize(values: Float32Array): void {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
  values.forEach((value, row) => {
    values[row] = (SPREAD * (value - mean)) / deviation;
  });
}

/** Numbers as models like them: of size 1. */
function numbers(owner: Owner, name: string, width: number, raw: Float32Array) {
  const feature: NumbersFeature = { name, owner, encoding: 'numbers', width };
  const column: EncodedColumn = { encoding: 'numbers', width, values: raw.map((x) => x * Math.sqrt(WIDTH)) };
  return { feature, column };
}
