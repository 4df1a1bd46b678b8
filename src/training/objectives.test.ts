import { describe, expect, test } from 'vitest';
import { Build, compile, gradients, input, Program } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import type { LossContext } from '../nn/losses/loss.js';
import { listContext, STAGE_NAMES } from '../nn/testing/context.js';
import type { Feeds } from '../schema.js';
import {
  createObjective,
  type ObjectiveOptions,
  refuseBlind,
  similarityMatrix,
  type TotalOptions,
  totalLoss,
} from './objectives.js';

const floats = (data: number[], shape = [data.length]) => ({ data: Float32Array.from(data), shape });
const ints = (data: number[]) => ({ data: Int32Array.from(data), shape: [data.length] });
const model = (retrieval?: ModelParts['retrieval']): ModelParts => ({
  item: () => ({}),
  user: () => ({}),
  score: () => input('logit', ['N']),
  ...(retrieval && { retrieval }),
});

describe('similarityMatrix', () => {
  const values = async (query: { data: Float32Array; shape: number[] }, interests: number[]) => {
    const user = { query: input('query', ['B', ...interests, 2]) };
    const matrix = similarityMatrix(model({ user: 'query', item: 'key' }), user, { key: input('key', ['I', 2]) });
    expect(matrix.shape).toEqual(['B', 'I']);
    const program = await Program.load(compile('similarity', { matrix }), { threads: 1 });
    const result = await program.call({ query, key: floats([1, 0, 0, 1, -1, 2], [3, 2]) });
    await program.release();
    return Array.from(result.matrix!.data, Number);
  };

  test('inner products of every request with every item', async () => {
    expect(await values(floats([3, 4, -1, 5], [2, 2]), [])).toEqual([3, 4, 5, -1, 5, 11]);
  });

  test('of several interests the best counts', async () => {
    // One request with interests (3, 4) and (-1, 5), another with (0, 0) and (-2, -2).
    expect(await values(floats([3, 4, -1, 5, 0, 0, -2, -2], [2, 2, 2]), [2])).toEqual([3, 5, 11, 0, 0, 0]);
  });

  test('a model that cannot retrieve is refused', () => {
    expect(() => similarityMatrix(model(), {}, {})).toThrow('a loss over all items of the batch needs a model that');
  });
});

test('the total is the weighted sum, and each part is reported by its own name', async () => {
  const context: LossContext = {
    logits: input('logits', ['P']),
    label: input('label', ['P']),
    weight: input('weight', ['P']),
    request: input('request', ['P'], 'int32'),
    itemRow: input('itemRow', ['P'], 'int32'),
    similarity: input('similarity', ['B', 'I']),
  };
  const objectives = [
    { loss: 'bce', weight: 0.5 },
    { loss: 'softmax', weight: 3 },
  ].map(createObjective);
  expect(objectives.map(({ needs }) => needs)).toEqual(['pairs', 'matrix']);
  const { total, parts } = totalLoss(objectives, context);
  expect(Object.keys(parts)).toEqual(['bce.1', 'softmax.2']);
  expect(Object.keys(totalLoss(objectives.slice(0, 1), context).parts)).toEqual(['bce']);
  const program = await Program.load(compile('total', { total, ...parts }), { threads: 1 });
  const results = await program.call({
    logits: floats([0, 0]),
    label: floats([1, 0]),
    weight: floats([1, 1]),
    request: ints([0, 0]),
    itemRow: ints([1, 0]),
    similarity: floats([0, Math.log(3)], [1, 2]),
  });
  await program.release();
  const [bce, softmax] = [Math.LN2, -Math.log(3 / 4)];
  expect(results['bce.1']!.data[0]).toBeCloseTo(bce, 6);
  expect(results['softmax.2']!.data[0]).toBeCloseTo(softmax, 6);
  expect(results.total!.data[0]).toBeCloseTo(0.5 * bce + 3 * softmax, 6);
});

describe('what an objective sees, and how it counts', () => {
  const context = (): LossContext => ({
    ...listContext(),
    step: input('step', []),
    stepsPerEpoch: input('stepsPerEpoch', []),
  });
  /** One list of a random, a candidate, a shown and a clicked item. */
  const FEEDS: Feeds = {
    logits: floats([0.5, -1, 2, 0.3]),
    label: floats([0, 0, 0, 1]),
    weight: floats([1, 1, 1, 1]),
    request: ints([0, 0, 0, 0]),
    itemRow: ints([0, 1, 2, 3]),
    stage: ints([0, 1, 2, 3]),
    teacher: floats([0, 1, -1, 0.5]),
    taught: floats([0, 1, 1, 1]),
    pairs: { data: Int32Array.of(0, 1, 2, 3), shape: [1, 4] },
    mask: { data: Uint8Array.of(1, 1, 1, 1), shape: [1, 4] },
    step: floats([3], []),
    stepsPerEpoch: floats([4], []),
  };
  const run = async (objectives: ObjectiveOptions[], options: TotalOptions = { shown: 2 }, feeds = FEEDS) => {
    const build = new Build(true);
    const outputs = build.run(() => {
      const { total, parts } = totalLoss(objectives.map(createObjective), context(), options);
      const [gradient] = gradients(total, [input('logits', ['P'])]);
      return { total, gradient: gradient!, ...parts };
    });
    const program = await Program.load(compile('total', outputs), { threads: 1 });
    const parameters = [...build.parameters.values()];
    const own = Object.fromEntries(
      parameters.map(({ name }) => [name, { data: Float32Array.of(Math.log(2)), shape: [1] }]),
    );
    const found = await program.call({ ...feeds, ...own });
    await program.release();
    const values = (name: string) => Array.from(found[name]!.data, Number);
    return {
      total: values('total')[0]!,
      gradient: values('gradient'),
      parts: (name: string) => values(name)[0]!,
      parameters,
    };
  };
  /** Pairs through which the loss learns. */
  const seen = async (objective: ObjectiveOptions) =>
    (await run([objective])).gradient.flatMap((value, pair) => (value === 0 ? [] : [pair]));

  test('feedback counts for what was shown, stages for everything, a teacher for what it scored', async () => {
    expect(await seen({ loss: 'bce' })).toEqual([2, 3]);
    expect(await seen({ loss: 'pairwise-logistic' })).toEqual([2, 3]);
    expect(await seen({ loss: 'pairwise-logistic', by: 'stage' })).toEqual([0, 1, 2, 3]);
    expect(await seen({ loss: 'tier-order' })).toEqual([0, 1, 2, 3]);
    expect(await seen({ loss: 'distill-pointwise' })).toEqual([1, 2, 3]);
    expect(await seen({ loss: 'distill-listwise' })).toEqual([1, 2, 3]);
  });

  test('stages narrow or widen that', async () => {
    expect(await seen({ loss: 'bce', stages: ['corpus'] })).toEqual([0, 1, 2, 3]);
    expect(await seen({ loss: 'tier-order', stages: ['candidate', 'shown'] })).toEqual([1, 2]);
    expect(await seen({ loss: 'distill-pointwise', stages: ['shown', 'shown'] })).toEqual([2]);
    await expect(run([{ loss: 'bce', stages: ['show'] }])).rejects.toThrow(
      'has no stage "show"\n  did you mean "shown"?',
    );
    await expect(run([{ loss: 'bce', stages: ['clicked', 'shown'] }])).rejects.toThrow(
      '"shown" comes before "clicked"',
    );
  });

  test('what an objective does not see cannot move it', async () => {
    const changed = { ...FEEDS, logits: floats([9, -7, 2, 0.3]) };
    for (const loss of [
      'bce',
      'list-mle',
      'lambda-loss',
      'listwise-softmax',
      'pairwise-hinge',
      'differentiable-sorting',
    ]) {
      const [before, after] = [await run([{ loss }]), await run([{ loss }], { shown: 2 }, changed)];
      expect(after.total, loss).toBeCloseTo(before.total, 6);
      expect(before.total, loss).toBeGreaterThan(0);
    }
  });

  test('a weight of 0 changes nothing', async () => {
    const one = await run([{ loss: 'bce' }]);
    const two = await run([{ loss: 'bce' }, { loss: 'tier-order', weight: 0 }]);
    expect(two.total).toBe(one.total);
    expect(two.gradient).toEqual(one.gradient);
    expect(two.parts('tier-order.2')).toBeGreaterThan(0);
  });

  test('a warm-up grows the weight from 0, over epochs or steps', async () => {
    const { total } = await run([{ loss: 'bce' }]);
    // Step 3 of 4 in an epoch.
    for (const [warmup, share] of [
      [1, 0.75],
      [3, 0.25],
      [0.5, 1],
      [{ steps: 30 }, 0.1],
      [0, 1],
    ] as const) {
      const found = await run([{ loss: 'bce', warmup }]);
      expect(found.total).toBeCloseTo(share * total, 6);
      expect(found.parts('bce')).toBeCloseTo(total, 6);
    }
    const start = await run([{ loss: 'bce', warmup: 2 }], { shown: 2 }, { ...FEEDS, step: floats([0], []) });
    expect(start.total).toBe(0);
  });

  test('learned uncertainties weigh all but distillation', async () => {
    const objectives = [{ loss: 'bce', weight: 3 }, { loss: 'distill-pointwise' }, { loss: 'tier-order' }];
    const fixed = await run(objectives);
    const { total, parameters } = await run(objectives, { shown: 2, uncertainty: true });
    expect(parameters.map(({ name }) => name)).toEqual(['uncertainty/bce.1', 'uncertainty/tier-order.3']);
    // u is ln 2: each counts half, and u is added.
    const halves = (3 * fixed.parts('bce.1') + fixed.parts('tier-order.3')) / 2 + 2 * Math.LN2;
    expect(total).toBeCloseTo(halves + fixed.parts('distill-pointwise.2'), 5);
  });

  test('a warm-up holds back the learned uncertainty too, which would otherwise make up for it', async () => {
    const objectives = [{ loss: 'bce', warmup: 2 }];
    const learned = { shown: 2, uncertainty: true };
    const start = await run(objectives, learned, { ...FEEDS, step: floats([0], []) });
    expect(start.total).toBe(0);
    // Half of L/2 + ln 2.
    const halfway = await run(objectives, learned, { ...FEEDS, step: floats([4], []) });
    expect(halfway.total).toBeCloseTo((halfway.parts('bce') / 2 + Math.LN2) / 2, 6);
  });

  test('vectors belong to no stage', () => {
    const objective = { loss: 'distill-vectors', stages: ['shown'] };
    expect(() => createObjective(objective)).toThrow('objectives: distill-vectors: stages: ');
  });

  test('a batch without what a loss needs is refused', () => {
    const { lists, teacher, ...bare } = context();
    const build = (loss: string) => () => totalLoss([createObjective({ loss })], bare);
    expect(build('list-mle')).toThrow('list-mle: this loss compares the items of one request\n  Train on lists');
    expect(build('distill-pointwise')).toThrow(
      'distill-pointwise: there is no teacher\n  Name one with training.teacher',
    );
    const listed = () => totalLoss([createObjective({ loss: 'two-way-distillation' })], context());
    expect(listed).toThrow('the model has no listwise part');
  });
});

describe('an objective that would see nothing', () => {
  const check = (objective: ObjectiveOptions, held: number[], lists = true) => {
    refuseBlind([createObjective(objective)], { stages: STAGE_NAMES, shown: 2, lists }, Uint8Array.from(held));
  };

  test('is refused', () => {
    const below = { loss: 'bce', stages: ['corpus', 'candidate'] };
    expect(() => check(below, [2, 3], false)).toThrow(
      'objectives: bce: stages: nothing that is trained on is at corpus to candidate\n  Single events are all shown: train on lists',
    );
    expect(() => check(below, [2, 3])).toThrow(
      'The lists hold shown, clicked: give training.lists candidates or randoms',
    );
    expect(() => check({ loss: 'bce', stages: ['clicked'] }, [0, 2])).toThrow('at clicked to clicked');
    expect(() => check({ loss: 'tier-order', stages: ['show'] }, [0, 2])).toThrow('did you mean "shown"?');
  });

  test('is one of which not a single pair is in sight', () => {
    check({ loss: 'bce', stages: ['corpus', 'candidate'] }, [1, 2]);
    check({ loss: 'bce' }, [2], false);
    check({ loss: 'tier-order' }, [0]);
  });
});

test('an unknown loss and an unknown option are errors', () => {
  expect(() => createObjective({ loss: 'bcee', weight: 1 })).toThrow('there is no loss "bcee"\n  did you mean "bce"?');
  expect(() => createObjective({ loss: 'bce', weight: 1, temprature: 2 })).toThrow(/objectives: bce: .*"temprature"/);
});
