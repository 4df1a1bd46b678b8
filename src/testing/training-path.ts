import { Build, gradients, input, inScope, reachable, reduceSum, type Tensor } from '../graph/index.js';
import type { TrainOutputs } from '../models/contract.js';
import { itemInputs, userInputs } from '../models/inputs.js';
import type { ToyModel } from './toy-model.js';

/** What the training form of a model makes of symbolic pairs, and what a tensor of it teaches. */
export interface TrainingPath {
  outputs: TrainOutputs;
  /** Names of the parameters and tables that a gradient reaches. */
  taught(loss: Tensor): string[];
}

export function trainingPath({ parts, dataset }: ToyModel): TrainingPath {
  const build = new Build(true);
  const outputs = build.run(() => {
    const [user, item] = [userInputs(dataset.schema, 'B'), itemInputs(dataset.schema, 'I')];
    const pair = (name: string) => input(`pair.${name}`, ['P'], 'int32');
    return parts.train!({
      user,
      item,
      userState: inScope('user', () => parts.user(user)),
      itemState: inScope('item', () => parts.item(item)),
      request: pair('request'),
      itemRow: pair('item'),
      label: input('pair.label', ['P']),
      logq: input('item.logq', ['I']),
      step: input('step', []),
      stepsPerEpoch: input('stepsPerEpoch', []),
    });
  });
  const taught = (loss: Tensor) => {
    const leaves = reachable([loss]).filter(({ op }) => op.name === 'tableRows' || op.name === 'parameter');
    const flows = build.run(() => gradients(reduceSum(loss), leaves));
    const names = leaves
      .filter((_, i) => flows[i] !== undefined)
      .map(({ attributes }) => attributes.table ?? attributes.name);
    return [...new Set<string>(names)].sort();
  };
  return { outputs, taught };
}
