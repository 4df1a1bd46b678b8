import { describe, expect, test } from 'vitest';
import { graphCost } from '../../graph/cost.js';
import { Build, compile, gradients, input, reachable, reduceSum, scalar, type Tensor } from '../../graph/index.js';
import { readOnnx } from '../../graph/testing/read-onnx.js';
import type { Feature, Schema } from '../../schema.js';
import { distance, rowsOf } from '../../testing/compare.js';
import { toyDataset } from '../../testing/toy-dataset.js';
import { ToyModel } from '../../testing/toy-model.js';
import { toyTrainer, losses as train } from '../../testing/toy-training.js';
import type { TrainOutputs } from '../contract.js';
import { itemInputs, userInputs } from '../inputs.js';
import { createGenerator } from './generator.js';
import t2diff from './model.js';
import { options } from './options.js';
import { reconstruction } from './reconstruction.js';
import { PlainT2Diff } from './testing/plain-t2diff.js';

const SMALL = {
  embedding: 2,
  session: 2,
  steps: 4,
  levels: 2,
  feedForward: [3],
  activationUnit: [3],
  lagBuckets: 6,
  lagWidth: 2,
  fusion: [5],
  width: 3,
};

describe.each([
  {},
  { levels: 3, noiseSeed: 7 },
  { levels: 4, steps: 2, releasedCoefficients: true },
  { generator: 'raw-diffusion', steps: 2 },
  { generator: 'regression', scaled: false },
  { generator: 'vae' },
  { generator: 'none', excludeSelf: false, lagBuckets: 0 },
  { servingSteps: 2, itemTower: [4], allFields: true },
  { fusion: 'none', width: 8, heads: 1, session: 1 },
] as const)('%o', (differing) => {
  test('scores as the equations say, number by number', async () => {
    const chosen = options.parse({ ...SMALL, ...differing });
    const model = await ToyModel.create(t2diff, chosen);
    const plain = new PlainT2Diff((name) => model.source.values(name), model.dataset.schema, chosen);
    const [requests, items] = [model.requests(5), model.items(4)];
    const expected: number[] = [];
    for (let b = 0; b < rowsOf(requests); b++) {
      for (let i = 0; i < rowsOf(items); i++) expected.push(plain.score(requests, b, items, i));
    }
    expect(distance(await model.scores(requests, items), expected)).toBeLessThan(1e-5);
    await model.release();
  });
});

/** What training builds. */
function trainingOf(differing: object): { build: Build; outputs: TrainOutputs } {
  const { schema } = toyDataset();
  const parts = t2diff.create(schema, options.parse({ ...SMALL, ...differing }));
  const build = new Build(true);
  const outputs = build.run(() => {
    const [user, item] = [userInputs(schema, 'B'), itemInputs(schema, 'I')];
    return parts.train!({
      user,
      item,
      userState: parts.user(user),
      itemState: parts.item(item),
      request: input('pair.request', ['P'], 'int32'),
      itemRow: input('pair.item', ['P'], 'int32'),
      label: input('pair.label', ['P']),
      logq: input('item.logq', ['I']),
      step: scalar(0),
      stepsPerEpoch: scalar(1),
    });
  });
  return { build, outputs };
}

/** Whether a loss moves parameters or tables of such a name. */
function moves({ build }: { build: Build }, loss: Tensor): (pattern: RegExp) => boolean {
  const leaves = reachable([loss]).filter(({ op }) => op.name === 'parameter' || op.name === 'tableRows');
  const flows = build.run(() => gradients(loss, leaves));
  return (pattern) =>
    leaves.some(({ attributes }, i) => flows[i] !== undefined && pattern.test(attributes.table ?? attributes.name));
}

test.each([
  [true, true],
  [false, true],
  [true, false],
  [false, false],
])('gradients stop where they should: before the generator %s, after it %s', (stopInput, stopOutput) => {
  const training = trainingOf({ stopInput, stopOutput });
  const byGenerator = moves(training, training.outputs.losses!.generator!);
  const byTower = moves(training, reduceSum(training.outputs.logits));
  expect([byGenerator(/unet/), byGenerator(/mixedAttention/), byGenerator(/tables/)]).toEqual([
    true,
    false,
    !stopInput,
  ]);
  expect([byTower(/unet/), byTower(/mixedAttention/), byTower(/tables/)]).toEqual([!stopOutput, true, true]);
});

test('a guess from noise knows nothing of the target, one from the noised target does', () => {
  const guessOf = (guess: string) =>
    new Build(true).run(() => {
      const items = input('items', ['P', 4, 2]);
      const generator = createGenerator(options.parse({ ...SMALL, guess, scaled: false }), 4)!;
      const past = { items, mask: input('mask', ['P', 4], 'bool') };
      return generator.train(past, input('next', ['P', 2]), input('counted', ['P'])).guess;
    });
  const leaves = (x: Tensor) =>
    reachable([x]).flatMap(({ op, attributes }) => (op.name === 'input' ? [attributes.name] : []));
  expect(leaves(guessOf('noised-target'))).toContain('next');
  expect(leaves(guessOf('noise'))).not.toContain('next');
  expect(leaves(guessOf('noise'))).toContain('items');
});

test('what the tower trains on does not depend on the label', () => {
  const { outputs } = trainingOf({});
  const leaves = reachable([outputs.logits, outputs.similarity!]).map(({ attributes }) => attributes.name);
  expect(leaves).toContain('pair.item');
  expect(leaves).not.toContain('pair.label');
});

const PUBLISHED = { embedding: 2, session: 10, steps: 50, levels: 4 };

function published(): Schema {
  const feature = (name: string): Feature => ({ name, owner: 'item', encoding: 'id', vocabulary: name, size: 9 });
  const features = [feature('id'), feature('tag')];
  return { user: [], context: [], item: features, histories: [{ name: 'likes', maxLength: 50, features }] };
}

test('at the published sizes the U-Net has the published weights and one pass costs the published multiply-adds', () => {
  const cost = (steps: number) => {
    const schema = published();
    const parts = t2diff.create(schema, options.parse({ ...PUBLISHED, steps }));
    return new Build(false).run(() => graphCost(Object.values(parts.user(userInputs(schema, 'B'))), { B: 1 }));
  };
  const unet = (of: ReturnType<typeof cost>) =>
    Object.entries(of.scopes).reduce(
      (sum, [scope, { parameters }]) => sum + (scope.includes('unet') ? parameters : 0),
      0,
    );
  const [two, three] = [cost(2), cost(3)];
  expect([unet(two), unet(three)]).toEqual([5092, 5092]);
  // Widened before positions are repeated, not after, which halves these products: 16·32·16, 28·16·8 and 52·8·4.
  const halved = (16 * 32 * 16 + 28 * 16 * 8 + 52 * 8 * 4) / 2;
  // Each pass also mirrors 50 positions of 4 channels to 94, as a product with a selection.
  expect(three.multiplyAdds - two.multiplyAdds).toBe(82_752 - halved + 94 * 50 * 4);
});

test('the exported graph has as many nodes for fifty steps as for two', () => {
  const { schema } = toyDataset();
  const nodes = (steps: number) => {
    const parts = t2diff.create(schema, options.parse({ ...SMALL, steps }));
    const { onnx } = new Build(false).run(() => compile('user', parts.user(userInputs(schema, 'B'))));
    return readOnnx(onnx).nodes.map(({ op }) => op);
  };
  expect(nodes(50)).toEqual(nodes(2));
});

test('serving is the same every time; another seed of the noise gives other vectors from the same parameters', async () => {
  const model = await ToyModel.create(t2diff, SMALL);
  const requests = model.requests(3);
  const first = (await model.inference.users(requests))['user.vector']!.data;
  expect((await model.inference.users(requests))['user.vector']!.data).toEqual(first);
  const other = await ToyModel.create(t2diff, { ...SMALL, noiseSeed: 2 });
  other.source = model.source;
  expect(distance((await other.inference.users(requests))['user.vector']!.data, first)).toBeGreaterThan(1e-3);
  await other.release();
  await model.release();
});

test('scaling follows the size of the drifts, so that noise and signal keep their proportion', async () => {
  const model = await ToyModel.create(t2diff, SMALL);
  const trainer = await toyTrainer(model);
  await train(trainer, 40);
  const size = trainer.store.values('shared/generator/size')[0]!;
  // Embeddings start at 0.01, so a drift is about √2 as large; it only grows while they are learned.
  expect(size).toBeGreaterThan(0.005);
  expect(size).toBeLessThan(0.5);
  await trainer.release();
  await model.release();
});

test('training generates better and better, and says how near the target it comes', async () => {
  const model = await ToyModel.create(t2diff, { ...SMALL, embedding: 4 });
  const trainer = await toyTrainer(model);
  const reports: Record<string, number>[] = [];
  while (trainer.step < 100) reports.push(await trainer.next());
  const mean = (from: number, name: string) =>
    reports.slice(from, from + 10).reduce((sum, report) => sum + report[name]!, 0) / 10;
  expect(mean(90, 'loss.generator')).toBeLessThan(0.8 * mean(0, 'loss.generator'));
  expect(mean(90, 'metric.cosine')).toBeGreaterThan(mean(0, 'metric.cosine') + 0.1);
  await trainer.release();
  await model.release();
});

test('the reconstruction reads the same parameters, and its scores are cosines', async () => {
  const chosen = options.parse(SMALL);
  const model = await ToyModel.create(t2diff, chosen);
  const own = await ToyModel.create({ ...t2diff, create: reconstruction }, chosen);
  own.source = model.source;
  const known = model.inference.parameters.map(({ name }) => name);
  for (const { name } of own.inference.parameters) expect(known).toContain(name);
  const cosines = await own.scores(model.requests(3), model.items(6));
  expect(cosines.every((cosine) => Math.abs(cosine) <= 1 + 1e-6)).toBe(true);
  expect(new Set(cosines).size).toBe(18);
  await own.release();
  await model.release();
  const none = options.parse({ ...SMALL, generator: 'none' });
  expect(() => reconstruction(toyDataset().schema, none)).toThrow('reconstructs nothing');
});

test.each<[object, string]>([
  [{ history: 'likes' }, 'the data has no history likes'],
  [{ sequence: ['price'] }, 'price is no id field of items that history clicks has'],
  [{ embedding: 1, heads: 4 }, 'a width of 2 does not divide into 4 heads'],
  [{ session: 4 }, 'a session of 4 leaves nothing of a history of 4 events'],
  [{ fusion: 'none' }, 'without a fusion the vectors are 8 wide'],
])('%o is refused', (differing, message) => {
  const chosen = options.parse({ ...SMALL, ...differing });
  expect(() => t2diff.create(toyDataset().schema, chosen)).toThrow(`t2diff: ${message}`);
});

test('noise that grows to 1 or beyond is refused', () => {
  expect(() => options.parse({ schedule: { growth: 5 } })).toThrow('must be below 1');
});
