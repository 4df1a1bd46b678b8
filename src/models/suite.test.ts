import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packagePath } from '../package-root.js';
import type { Feeds } from '../schema.js';
import { distance, everyPair, rowsOf, stateDistance, takeRows } from '../testing/compare.js';
import { temporaryFolder } from '../testing/folder.js';
import { loadStore, readExample, saveStore } from '../testing/persistence.js';
import { rerankFeeds, rerankLogits } from '../testing/rerank.js';
import { TOY_BATCH } from '../testing/toy-dataset.js';
import { ToyModel } from '../testing/toy-model.js';
import { POORER, refusal } from '../testing/toy-options.js';
import { bytesOf, checkToyGradients, freshStore, losses, toyTrainer } from '../testing/toy-training.js';
import { trainingOutputs } from '../testing/training-outputs.js';
import { MODELS } from './index.js';

/** What is the same may differ by rounding where sums run over another number of rows. */
const ROUNDING = 1e-6;
/** What is promised between training, exported files and serving. */
const SAME = 1e-5;
const REQUESTS = 5;
const ITEMS = 11;
/** Every item in another place. */
const ORDER = Array.from({ length: ITEMS }, (_, i) => (4 * i + 3) % ITEMS);
const MODELS_FOLDER = packagePath('src', 'models');

test('every model folder is registered, under a name as in a configuration', () => {
  const folders = readdirSync(MODELS_FOLDER).filter((name) => existsSync(join(MODELS_FOLDER, name, 'model.ts')));
  expect(MODELS.map(({ name }) => name).sort()).toEqual(folders.sort());
  for (const { name } of MODELS) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
});

describe.each(MODELS.map((definition) => [definition.name, definition] as const))('%s', (name, definition) => {
  let model: ToyModel;
  let trainer: Awaited<ReturnType<typeof toyTrainer>>;
  /** Losses of the first and of the last epoch. */
  let early: number[];
  let late: number[];
  let afterEarly: Map<string, string>;
  let requests: Feeds;
  let items: Feeds;

  // One training serves all tests: they look at states and scores of a model that has learned something.
  beforeAll(async () => {
    model = await ToyModel.create(definition);
    trainer = await toyTrainer(model);
    model.source = trainer.store;
    early = await losses(trainer, trainer.stepsPerEpoch);
    afterEarly = bytesOf(trainer.store);
    late = (await losses(trainer, 9 * trainer.stepsPerEpoch)).slice(-trainer.stepsPerEpoch);
    requests = model.requests(REQUESTS);
    items = model.items(ITEMS);
  }, 240_000);

  afterAll(async () => {
    await model.release();
    await trainer.release();
  });

  /** The part of a list of all pairs that belongs to one request. */
  const ofRequest = (pairs: Float32Array, request: number, count = ITEMS) =>
    pairs.subarray(request * count, (request + 1) * count);

  test('has a page, an example that can be read, and options that refuse what they do not know', () => {
    const page = join(MODELS_FOLDER, name, 'README.md');
    expect(existsSync(page), page).toBe(true);
    expect(readExample(packagePath('configs', `${name}-kuairand.yaml`)).model.name).toBe(name);
    expect(definition.title).not.toBe('');
    expect(definition.options.safeParse({}).success).toBe(true);
    expect(definition.options.safeParse({ nonsense: 1 }).success).toBe(false);
  });

  test.each(Object.keys(POORER))('data %s is taken, or refused by name', async (how) => {
    const error = await refusal(definition, POORER[how]!(model.dataset.schema));
    if (error !== undefined) expect(error).toMatchObject({ code: 'MODEL_OPTIONS' });
  });

  test('the loss falls, although every epoch ends with a batch of one', () => {
    expect(model.dataset.splits.train.length % TOY_BATCH).toBe(1);
    expect([...early, ...late].every(Number.isFinite)).toBe(true);
    // Without the batch of one, which says little.
    const mean = (list: readonly number[]) => list.slice(0, -1).reduce((a, b) => a + b, 0) / (list.length - 1);
    expect(mean(late)).toBeLessThan(mean(early) - 0.05 * Math.abs(mean(early)));
  });

  test('one seed gives the same bytes, another seed others', async () => {
    const again = await toyTrainer(model);
    expect(await losses(again, early.length)).toEqual(early);
    expect(bytesOf(again.store)).toEqual(afterEarly);
    await again.release();
    expect(bytesOf(freshStore(trainer, 1))).not.toEqual(bytesOf(freshStore(trainer, 2)));
  });

  test('gradients agree with differences', async () => {
    await checkToyGradients(trainer);
  });

  test('items see item fields alone, requests nothing of items, scores only the two states', () => {
    const unless = (allowed: RegExp, inputs: string[]) => inputs.filter((input) => !allowed.test(input));
    expect(unless(/^item\./, model.inputsOf('item'))).toEqual([]);
    expect(unless(/^item\.|^random$/, model.trainingInputsOf('item'))).toEqual([]);
    expect(unless(/^(user|context|history)\./, model.inputsOf('user'))).toEqual([]);
    expect(unless(/^(user|context|history)\.|^random$/, model.trainingInputsOf('user'))).toEqual([]);
    const { user, item, rerank } = model.inference.parts;
    const states = Object.keys({ ...user, ...item });
    expect(model.inputsOf('score').filter((input) => !states.includes(input))).toEqual([]);
    expect(
      model
        .inputsOf('pairs')
        .filter((input) => !states.includes(input))
        .sort(),
    ).toEqual(['pair.item', 'pair.request']);
    const list = [...states, 'scores', 'mask'];
    if (rerank !== undefined) expect(model.inputsOf('rerank').filter((input) => !list.includes(input))).toEqual([]);
  });

  test('every row has a state of its own, the same alone and among others', async () => {
    for (const [part, feeds] of [
      ['users', requests],
      ['items', items],
    ] as const) {
      const count = rowsOf(feeds);
      const all = await model.inference[part](feeds);
      for (const { shape } of Object.values(all)) expect(shape[0]).toBe(count);
      for (const row of [0, count - 1]) {
        const alone = await model.inference[part](takeRows(feeds, [row]));
        expect(stateDistance(alone, takeRows(all, [row]))).toBeLessThan(ROUNDING);
      }
    }
  });

  test('pairs have the same scores from the feeds of their requests as from user states, in pieces too', async () => {
    const { inference } = model;
    const { request, item } = everyPair(REQUESTS, ITEMS);
    const states = await inference.items(items);
    const wanted = await inference.pairs(await inference.users(requests), states, request, item);
    const small = model.inferenceWith({ largestTensor: 1 });
    for (const one of [inference, small]) {
      const found = await one.askedPairs(requests, states, request, item);
      expect(distance(found, wanted)).toBeLessThan(ROUNDING);
    }
    await small.release();
  });

  test('a candidate has the same score alone, among others and in another order', async () => {
    const { inference } = model;
    const pairs = await model.scores(requests, items);
    const states = await inference.items(items);
    const users = await inference.users(requests);
    for (const request of [0, REQUESTS - 1]) {
      const user = takeRows(users, [request]);
      const together = await inference.score(user, states);
      expect(together.length).toBe(ITEMS);
      expect(new Set(together).size, 'different scores').toBeGreaterThan(ITEMS / 2);
      expect(distance(together, ofRequest(pairs, request))).toBeLessThan(ROUNDING);
      const permuted = await inference.score(user, takeRows(states, ORDER));
      expect(
        distance(
          permuted,
          ORDER.map((i) => together[i]!),
        ),
      ).toBeLessThan(ROUNDING);
      for (let i = 0; i < ITEMS; i++) {
        const alone = await inference.score(user, takeRows(states, [i]));
        expect(distance(alone, [together[i]!])).toBeLessThan(ROUNDING);
      }
    }
  });

  test('what is unknown has a finite score, and what stands in the padding changes none', async () => {
    const unknown = (feeds: Feeds): Feeds =>
      Object.fromEntries(
        Object.entries(feeds).map(([key, { data, shape }]) => [key, { data: data.map(() => 0), shape }]),
      );
    const scores = await model.scores(unknown(requests), unknown(items));
    expect(Array.from(scores).every(Number.isFinite)).toBe(true);
    const [fullRequests, fullItems] = [model.withFullPadding(requests), model.withFullPadding(items)];
    expect(fullRequests).not.toEqual(requests);
    expect(fullItems).not.toEqual(items);
    const padded = await model.scores(fullRequests, fullItems);
    expect(distance(padded, await model.scores(requests, items))).toBeLessThan(ROUNDING);
  });

  test('in training, too, what stands in the padding changes nothing, so that no gradient comes from it', async () => {
    const plain = await trainingOutputs(model);
    const filled = await trainingOutputs(model, (feeds) => model.withFullPadding(feeds));
    expect(distance(filled.logits, plain.logits)).toBeLessThan(ROUNDING);
    expect(distance(filled.losses, plain.losses)).toBeLessThan(ROUNDING);
  });

  test.each(['one row', 'many rows'])('training’s forward pass, exported files and parts agree: %s', async (amount) => {
    const [some, few] = amount === 'many rows' ? [requests, items] : [takeRows(requests, [2]), takeRows(items, [7])];
    const parts = await model.scores(some, few);
    expect(distance(await model.wholeGraph(some, few), parts)).toBeLessThan(SAME);
    const users = await (await model.exported('user'))(some);
    const states = await (await model.exported('item'))(few);
    const score = await model.exported('score');
    for (let request = 0; request < rowsOf(some); request++) {
      const { logit } = await score({ ...takeRows(users, [request]), ...states });
      expect(distance(logit!.data, ofRequest(parts, request, rowsOf(few)))).toBeLessThan(SAME);
    }
  });

  test('saved and loaded, the scores are the same to the last bit', async () => {
    const before = await model.scores(requests, items);
    const file = join(await temporaryFolder(), 'tensors.safetensors');
    await saveStore(file, trainer.store);
    model.source = freshStore(trainer, 99);
    try {
      expect(await model.scores(requests, items)).not.toEqual(before);
      await loadStore(file, model.source);
      expect(await model.scores(requests, items)).toEqual(before);
    } finally {
      model.source = trainer.store;
    }
  });

  test('where it retrieves, inner products are the scores up to a number for each request', async () => {
    const { inference, parts } = model;
    if (parts.retrieval === undefined) {
      await expect(inference.retrieve({}, {})).rejects.toThrow('the model cannot retrieve');
      return;
    }
    const products = await inference.retrieve(await inference.users(requests), await inference.items(items));
    const scores = await model.scores(requests, items);
    for (let request = 0; request < REQUESTS; request++) {
      const relative = (pairs: Float32Array) => {
        const own = ofRequest(pairs, request);
        return own.map((value) => value - own[0]!);
      };
      expect(distance(relative(products), relative(scores))).toBeLessThan(SAME);
    }
  });

  test('where it re-ranks, the list may come in any order, and what is masked is not there', async () => {
    if (model.parts.rerank === undefined) return;
    const lists = await rerankFeeds(model, 3, ITEMS);
    const shorter = await rerankFeeds(model, 3, ITEMS - 3);
    const whole = await rerankLogits(model, lists);
    const permuted = await rerankLogits(model, lists.inOrder(ORDER));
    const masked = await rerankLogits(model, lists.masked(ITEMS - 3));
    const cut = await rerankLogits(model, shorter);
    for (let b = 0; b < 3; b++) {
      expect(whole[b]!.every(Number.isFinite)).toBe(true);
      expect(
        distance(
          permuted[b]!,
          ORDER.map((i) => whole[b]![i]!),
        ),
      ).toBeLessThan(SAME);
      expect(distance(masked[b]!.slice(0, ITEMS - 3), cut[b]!)).toBeLessThan(SAME);
    }
  });
});
