import {
  concat,
  divide,
  gather,
  greater,
  indicator,
  matMul,
  maximum,
  multiply,
  reduceSum,
  shared,
  stopGradient,
  type Tensor,
} from '../../graph/index.js';
import { activate } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { concatFields, type Field } from '../../nn/fields.js';
import { normal } from '../../nn/initializers.js';
import { mlp } from '../../nn/mlp.js';
import { layerNorm } from '../../nn/normalization.js';
import { cosine, innerProduct } from '../../nn/similarity.js';
import { defineModel } from '../contract.js';
import type { Sequence } from './generator.js';
import { currentInterest, historyInterest } from './mixed-attention.js';
import { type Options, options } from './options.js';
import { createParts } from './parts.js';

/** Small first weights of the last layer: the first scores are next to 0, although what comes before is normalised. */
const FIRST_WEIGHTS = normal(0.01);

/** T2Diff (Wang et al., 2025): a user tower that generates the user's next item by diffusion and attends with it. */
export default defineModel<Options>({
  name: 't2diff',
  title: 'Two towers with a diffusion model of the next item',
  options,
  search: { embedding: { values: [8, 16] }, steps: { values: [10, 25, 50] } },
  create(schema, chosen) {
    const { weight, stopOutput, fusion, itemTower, width, allFields } = chosen;
    const { sequence, generator, pastOf, embed, read } = createParts(schema, chosen);
    const inSequence = ({ feature }: Field) => sequence.includes(feature.name);
    const besides = (fields: readonly Field[]) => (allFields ? fields.filter((field) => !inSequence(field)) : []);
    const side = (fields: readonly Field[]) =>
      fields.length === 0 ? [] : [concatFields(fields, { width: chosen.embedding })];

    /** The user's vector [R, D] from the embedded sequence, seconds since each event, the generated item, and user fields [R, …]. */
    const userTower = (past: Sequence, lag: Tensor, guess: Tensor | undefined, own: readonly Tensor[]) =>
      shared('mixedAttention', () => {
        const current = currentInterest(past, guess, chosen);
        const interests = concat([historyInterest(past, lag, current, chosen), current, ...own]);
        if (fusion === 'none') return interests;
        return dense('out', mlp('fusion', interests, { units: fusion }), width, { initialize: FIRST_WEIGHTS });
      });
    const ownFields = (inputs: { fields: Field[]; context: Field[] }) =>
      allFields ? side([...inputs.fields, ...inputs.context]) : [];

    return {
      item({ fields }) {
        const x = concat([embed(fields), ...side(besides(fields))]);
        const hidden = mlp('tower', x, { units: itemTower, activation: 'elu' });
        return { vector: layerNorm('norm', activate(dense('out', hidden, width, { bias: false }), 'elu')) };
      },
      user(inputs) {
        const past = pastOf(inputs);
        const events = read(past);
        return { vector: userTower(events, past.lag, generator?.serve(events), ownFields(inputs)) };
      },
      score: (user, item) => innerProduct(user.vector!, item.vector!),
      train({ user, item, itemState, request, itemRow, label }) {
        const past = pastOf(user);
        const of = (x: Tensor) => gather(x, request);
        const events = read(past);
        const perPair = { items: of(events.items), mask: of(events.mask) };
        const next = gather(embed(item.fields), itemRow);
        const positive = indicator(greater(label, 0));
        const generated = generator?.train(perPair, next, positive);
        const guess = generated && (stopOutput ? stopGradient(generated.guess) : generated.guess);
        const vector = userTower(perPair, of(past.lag), guess, ownFields(user).map(of));
        const near = (x: Tensor) =>
          divide(reduceSum(multiply(cosine(x, next), positive)), maximum(reduceSum(positive), 1));
        return {
          logits: innerProduct(vector, gather(itemState.vector!, itemRow)),
          similarity: matMul(vector, itemState.vector!, { transposeB: true }),
          ...(generated && {
            losses: { generator: multiply(generated.loss, weight) },
            metrics: { cosine: near(generated.guess) },
          }),
        };
      },
      retrieval: { user: 'vector', item: 'vector' },
    };
  },
});
