import {
  add,
  broadcastTo,
  concat,
  constant,
  expandDims,
  gather,
  matMul,
  multiply,
  normalizeLength,
  parameter,
  reduceSum,
  shared,
  squeeze,
  stopGradient,
  type Tensor,
} from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { embedFields, type Field, isCategorical } from '../../nn/fields.js';
import { constantValue, ones, zeros } from '../../nn/initializers.js';
import { mlp } from '../../nn/mlp.js';
import { layerNorm } from '../../nn/normalization.js';
import { attentionPooling } from '../../nn/pooling.js';
import { transformerLayer } from '../../nn/transformer.js';
import { defineModel } from '../contract.js';
import { concatSide, itemSide, requireSides, userSide } from '../sides.js';
import { jointLosses } from './objective.js';
import { checkSizes, type Options, options } from './options.js';
import { queryStates } from './query-states.js';

/** LT-TTD (Abraich, 2025): two towers and a listwise transformer over what they computed, trained as one. */
export default defineModel<Options>({
  name: 'lt-ttd',
  title: 'Two towers and a listwise transformer that teach each other',
  options,
  search: { embedding: { values: [8, 16, 32] }, dropout: { low: 0, high: 0.4 } },
  create(schema, choices) {
    checkSizes(choices);
    requireSides('lt-ttd', schema);
    const { embedding, towers, residual, activation, dropout, transformer, weights } = choices;
    const fieldOptions = { width: embedding };
    const listwise = weights.ranking > 0 || weights.distillation > 0;
    const withItemBias = choices.biases && schema.item.some((feature) => feature.encoding !== 'numbers');
    const seen = (x: Tensor) => (choices.separate ? stopGradient(x) : x);
    const sized = (e: Tensor) => (choices.normalize ? normalizeLength(e) : e);
    const bias = (fields: readonly Field[]) =>
      reduceSum(concat(embedFields(fields, { width: 1, table: 'bias/', initialize: zeros })), -1, true);
    /** One side's part of W_x·x_j: W_e·e + W_r·r. */
    const token = (e: Tensor, fields: Tensor, isUser: boolean) => {
      const r = mlp('residual', seen(fields), { units: residual, activation, dropout, activateLast: false });
      return dense('token', [seen(e), r], transformer.width, { bias: isUser });
    };

    function rerank(userToken: Tensor, itemTokens: Tensor, scores: Tensor, mask: Tensor): Tensor {
      return shared('listwise', () => {
        const ofScore = dense('score', expandDims(scores, -1), transformer.width, { bias: false });
        let u = add(add(itemTokens, userToken), ofScore);
        for (let layer = 1; layer <= transformer.layers; layer++) {
          u = transformerLayer(`layer${layer}`, u, {
            heads: transformer.heads,
            activation: 'gelu',
            dropout,
            keys: mask,
          });
        }
        // Zeros at the start: the list is then ranked as the towers rank it.
        const head = dense('head', layerNorm('norm', u), 1, { bias: false, initialize: zeros });
        return add(squeeze(head, -1), multiply(scores, parameter('gamma', [1], ones)));
      });
    }

    return {
      item(inputs) {
        const x = concatSide(itemSide(inputs, fieldOptions));
        const h = mlp('tower', x, { units: towers, activation, dropout });
        const e = sized(dense('out', h, choices.width));
        const key = withItemBias ? concat([e, bias(inputs.fields)]) : e;
        return { key, ...(listwise && { token: token(e, x, false) }) };
      },
      user(inputs) {
        const own = [...inputs.fields, ...inputs.context];
        const e = sized(attentionPooling('pooling', ...queryStates(inputs, choices)));
        const scaled = multiply(e, parameter('scale', [1], constantValue(1 / choices.retrievalTemperature)));
        const one = broadcastTo(constant([1], [1, 1]), [e.shape[0]!, 1], e);
        const level = add(
          choices.biases && own.some(isCategorical) ? bias(own) : multiply(one, 0),
          parameter('level', [1], zeros),
        );
        return {
          query: withItemBias ? concat([scaled, one]) : scaled,
          level,
          ...(listwise && { token: token(e, concatSide(userSide(inputs, fieldOptions)), true) }),
        };
      },
      score(user, item) {
        const inner = reduceSum(multiply(user.query!, item.key!), -1, true);
        return reduceSum(add(inner, user.level!), -1);
      },
      ...(listwise && {
        rerank: (user, items, scores, mask) => rerank(user.token!, items.token!, scores, mask),
      }),
      train({ userState, itemState, ...inputs }) {
        const inner = matMul(userState.query!, itemState.key!, { transposeB: true });
        return jointLosses(add(inner, userState.level!), inputs, choices, (items, scores, mask) =>
          rerank(expandDims(userState.token!, 1), gather(itemState.token!, items), seen(scores), mask),
        );
      },
      retrieval: { user: 'query', item: 'key' },
    };
  },
});
