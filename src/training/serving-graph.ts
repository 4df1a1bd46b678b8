import { TwoTowerError } from '../errors.js';
import {
  Build,
  type CompiledGraph,
  type CompileOptions,
  compile,
  input,
  inScope,
  type Parameter,
  type Tensor,
} from '../graph/index.js';
import { gatherState, type ModelParts, type State } from '../models/contract.js';
import { itemInputs, userInputs } from '../models/inputs.js';
import type { Feature, Schema } from '../schema.js';

/** The parts of a model as serving runs them, before they are compiled. */
export interface ServingParts {
  /** Inputs `item.F` [I, …] → `item.STATE` [I, …]. */
  item: Record<string, Tensor>;
  /** Inputs `user.F`, `context.F`, `history.…` [B, …] → `user.STATE` [B, …]. */
  user: Record<string, Tensor>;
  /** Inputs `user.STATE` [1, …] and `item.STATE` [N, …] → `logit` [N]: one request against many candidates. */
  score: Record<string, Tensor>;
  /** Pairs of rows of `user.STATE` [B, …] and `item.STATE` [I, …], by `pair.request` and `pair.item` [P] → `logit` [P]. */
  pairs: Record<string, Tensor>;
  /** The same of models that need less than a whole user state for it, from the inputs of `user` in place of its states. */
  asked?: Record<string, Tensor>;
  /** Where the model re-ranks: `user.STATE` [B, 1, …], `item.STATE` [B, N, …], `scores` [B, N], `mask` [B, N] → `logit` [B, N]. */
  rerank?: Record<string, Tensor>;
  parameters: Parameter[];
}

/** Builds every part in serving mode. */
export function buildServingParts(model: ModelParts, schema: Schema): ServingParts {
  const parameters = new Map<string, Parameter>();
  /** Each part is a build of its own, so that `score` may ask for its parameters in both of its forms. */
  const part = <T>(name: string, make: () => T): T => {
    const build = new Build(false);
    const result = build.run(() => inScope(name, make));
    for (const [path, parameter] of build.parameters) parameters.set(path, parameter);
    return result;
  };
  const itemState = part('item', () => model.item(itemInputs(schema, 'I')));
  const userState = part('user', () => model.user(userInputs(schema, 'B')));
  refuseTakenNames('item', itemState, schema.item);
  refuseTakenNames('user', userState, schema.user);
  const fed = (side: string, state: State, lead: readonly (string | number)[]): State =>
    Object.fromEntries(
      Object.entries(state).map(([name, { shape, dtype }]) => [
        name,
        input(`${side}.${name}`, [...lead, ...shape.slice(1)], dtype),
      ]),
    );
  const score = part('score', () => ({
    logit: model.score(fed('user', userState, [1]), fed('item', itemState, ['N'])),
  }));
  const pairs = part('score', () => {
    const request = input('pair.request', ['P'], 'int32');
    const item = input('pair.item', ['P'], 'int32');
    const users = gatherState(fed('user', userState, ['B']), request);
    return { logit: model.score(users, gatherState(fed('item', itemState, ['I']), item)) };
  });
  const asked = model.pairs && {
    asked: part('user', () => ({
      logit: model.pairs!({
        user: userInputs(schema, 'B'),
        items: fed('item', itemState, ['I']),
        request: input('pair.request', ['P'], 'int32'),
        itemRow: input('pair.item', ['P'], 'int32'),
      }),
    })),
  };
  const { rerank } = model;
  const reranked = rerank && {
    rerank: part('rerank', () => ({
      logit: rerank.call(
        model,
        fed('user', userState, ['B', 1]),
        fed('item', itemState, ['B', 'N']),
        input('scores', ['B', 'N']),
        input('mask', ['B', 'N'], 'bool'),
      ),
    })),
  };
  return {
    item: named('item', itemState),
    user: named('user', userState),
    score,
    pairs,
    ...asked,
    ...reranked,
    parameters: [...parameters.values()],
  };
}

/** Compiles one part; parameters stay inputs unless `embed` gives their values. */
export function compilePart(
  name: 'item' | 'user' | 'score' | 'pairs' | 'asked' | 'rerank',
  parts: ServingParts,
  options: CompileOptions = {},
): CompiledGraph {
  const outputs = parts[name];
  if (outputs === undefined) throw new RangeError(`the model has no part ${name}`);
  return compile(name, outputs, options);
}

function named(side: string, state: State): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(state).map(([name, tensor]) => [`${side}.${name}`, tensor]));
}

/** A field and a state of one name would be input and output of one file. */
function refuseTakenNames(side: 'item' | 'user', state: State, features: readonly Feature[]): void {
  const taken = features.find(({ name }) => Object.hasOwn(state, name));
  if (taken === undefined) return;
  throw new TwoTowerError(
    'MODEL_OPTIONS',
    `the ${side} field "${taken.name}" has the name of a state of the model: ${Object.keys(state).join(', ')}`,
    'Give the field another name in the dataset description; its column can stay what it is.',
  );
}
