import { assembleBatch } from '../data/batches.js';
import { countItems } from '../data/sampling.js';
import { Build, compile, input, inScope, Program } from '../graph/index.js';
import { gatherState, type TrainOutputs } from '../models/contract.js';
import { itemInputs, userInputs } from '../models/inputs.js';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import { createOptimizer } from '../training/optimizers.js';
import { ParameterStore } from '../training/parameter-store.js';
import { RowTracker } from '../training/table-rows.js';
import { shake, type ToyModel } from './toy-model.js';

/**
 * Logits and own losses as a training step would compute them over the training part, and where its parameters come from.
 * @param alter what is done to the feeds before
 */
export async function trainingOutputs({ parts, dataset }: ToyModel, alter = (feeds: Feeds) => feeds) {
  const build = new Build(true);
  const { logits, losses = {} } = build.run((): TrainOutputs => {
    const [user, item] = [userInputs(dataset.schema, 'B'), itemInputs(dataset.schema, 'I')];
    const userState = inScope('user', () => parts.user(user));
    const itemState = inScope('item', () => parts.item(item));
    const [request, itemRow] = [input('pair.request', ['P'], 'int32'), input('pair.item', ['P'], 'int32')];
    if (parts.train === undefined) {
      const pairs = [gatherState(userState, request), gatherState(itemState, itemRow)] as const;
      return { logits: inScope('score', () => parts.score(...pairs)) };
    }
    const [step, stepsPerEpoch] = [input('step', []), input('stepsPerEpoch', [])];
    const [label, logq] = [input('pair.label', ['P']), input('item.logq', ['I'])];
    const inputs = { user, item, userState, itemState, request, itemRow, label, logq, step, stepsPerEpoch };
    return inScope('train', () => parts.train!(inputs));
  });
  const bundles = new Map(build.lookups.map(({ table, bundle }) => [table, bundle]));
  const optimizer = createOptimizer({ name: 'sgd', momentum: 0 });
  const store = new ParameterStore([...build.parameters.values()], optimizer, 1, ({ name }) => bundles.get(name)!);
  shake(store);
  const { events, items, splits } = dataset;
  const itemCounts = countItems(events.item, splits.train, items.count);
  const raw = alter(assembleBatch(dataset, splits.train, { itemCounts }).feeds);
  const scalar = (value: number) => ({ data: Float32Array.of(value), shape: [] });
  const feeds: Feeds = { ...raw, step: scalar(3), stepsPerEpoch: scalar(5) };
  new RowTracker(build.lookups, store.bundles).track(feeds);
  for (const { name, shape } of store.parameters) feeds[name] = { data: store.values(name), shape: [...shape] };
  for (const [name, { rows, width, values }] of store.bundles) feeds[name] = { data: values, shape: [rows, width] };
  const program = await Program.load(compile('training', { logits, ...losses }), { threads: 1 });
  const results = await program.call(feeds, Random.of(7, 'training outputs'));
  await program.release();
  return {
    logits: results.logits!.data as Float32Array,
    losses: Object.keys(losses).map((name) => results[name]!.data[0] as number),
    values: (name: string) => store.values(name),
    feeds: raw,
  };
}
