import { z } from 'zod';
import { add, broadcastTo, concat, constant, gather, slice, squeeze, type Tensor } from '../graph/index.js';
import { linearBias } from '../nn/linear-bias.js';
import type { Schema } from '../schema.js';
import type { ModelParts, State } from './contract.js';

/** The option of models that have a linear part when asked for. */
export const biasesOption = z
  .boolean()
  .default(false)
  .describe(
    'adds one learned number per user and one per item, read off their fields, to the score: the linear part that dssm has',
  );

/**
 * The same model with a linear part: one learned number per user and one per item, read off their fields, are added to every
 * logit. States gain `bias` [rows, 1] where their side has id fields. Where the model retrieves, the item's bias is instead the
 * last component of its vector and meets a constant 1, so that the score stays an inner product an index can search.
 */
export function withBiases(schema: Schema, parts: ModelParts): ModelParts {
  const { retrieval, train, pairs } = parts;
  const folded = retrieval !== undefined && schema.item.some(({ encoding }) => encoding !== 'numbers');
  /** The state with its vector lengthened. */
  const fold = (state: State, name: string, last: Tensor): State => ({
    ...state,
    [name]: concat([state[name]!, last]),
  });
  /** The state as the model itself made it. */
  const own = (state: State, name: string | undefined): State =>
    folded ? { ...state, [name!]: slice(state[name!]!, -1, 0, -1) } : state;
  const itemBias = (item: State): Tensor | undefined => (folded ? slice(item[retrieval.item]!, -1, -1) : item.bias);
  const withLevels = (logits: Tensor, biases: readonly (Tensor | undefined)[]) =>
    biases.reduce<Tensor>((sum, bias) => (bias === undefined ? sum : add(sum, squeeze(bias, -1))), logits);

  return {
    ...parts,
    item(inputs) {
      const state = parts.item(inputs);
      const bias = linearBias(inputs.fields);
      if (bias === undefined) return state;
      return folded ? fold(state, retrieval.item, bias) : { ...state, bias };
    },
    user(inputs) {
      const state = parts.user(inputs);
      const bias = linearBias([...inputs.fields, ...inputs.context]);
      const complete = bias === undefined ? state : { ...state, bias };
      if (!folded) return complete;
      const vector = state[retrieval.user]!;
      return fold(complete, retrieval.user, broadcastTo(constant([1], [1, 1]), [vector.shape[0]!, 1], vector));
    },
    score: (user, item) =>
      withLevels(parts.score(own(user, retrieval?.user), own(item, retrieval?.item)), [user.bias, itemBias(item)]),
    ...(pairs && {
      pairs(inputs) {
        const { user, items, request, itemRow } = inputs;
        const bias = linearBias([...user.fields, ...user.context]);
        const logits = pairs({ ...inputs, items: own(items, retrieval?.item) });
        const known = itemBias(items);
        return withLevels(logits, [bias && gather(bias, request), known && gather(known, itemRow)]);
      },
    }),
    ...(train && {
      train(inputs) {
        const { userState, itemState, request, itemRow } = inputs;
        const outputs = train({
          ...inputs,
          userState: own(userState, retrieval?.user),
          itemState: own(itemState, retrieval?.item),
        });
        const [user, item] = [userState.bias, itemBias(itemState)];
        const biases = [user && gather(user, request), item && gather(item, itemRow)];
        return { ...outputs, logits: withLevels(outputs.logits, biases) };
      },
    }),
  };
}
