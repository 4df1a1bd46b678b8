import { add, broadcastTo, concat, constant, expandDims, inScope, type Tensor } from '../../graph/index.js';
import { activate } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { concatFields } from '../../nn/fields.js';
import { mlp } from '../../nn/mlp.js';
import type { UserInputs } from '../contract.js';
import type { Options } from './options.js';

/**
 * h_q^1 … h_q^M: the request's fields by themselves, then with each event of each history.
 * @returns [B, M, d] and bool [B, M]
 */
export function queryStates({ fields, context, histories }: UserInputs, choices: Options): [Tensor, Tensor] {
  const { embedding, towers, states, width, activation, dropout } = choices;
  const own = [...fields, ...context];
  return inScope('states', () => {
    const hidden: Tensor[] = [];
    const masks: Tensor[] = [];
    let request: Tensor | undefined;
    if (own.length > 0) {
      const x = concatFields(own, { width: embedding });
      request = expandDims(dense('request', mlp('tower', x, { units: towers, activation, dropout }), states), 1);
      hidden.push(request);
      masks.push(broadcastTo(constant([1], [1, 1], 'bool'), [x.shape[0]!, 1], x));
    }
    for (const { name, fields: past, mask } of histories) {
      const events = inScope(name, () =>
        dense('event', concatFields(past, { width: embedding }), states, { bias: request === undefined }),
      );
      hidden.push(request === undefined ? events : add(events, request));
      masks.push(mask);
    }
    return [dense('state', activate(concat(hidden, 1), activation), width), concat(masks, 1)];
  });
}
