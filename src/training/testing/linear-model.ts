import { add } from '../../graph/index.js';
import type { ModelParts } from '../../models/contract.js';
import { dense } from '../../nn/dense.js';
import { embedField, type Field } from '../../nn/fields.js';
import { normal } from '../../nn/initializers.js';
import { maskedMean } from '../../nn/pooling.js';
import { innerProduct } from '../../nn/similarity.js';

/** Widths of the embeddings and of the vectors that meet in the score. */
export const LINEAR = { embedding: 3, vector: 2 };

/**
 * The smallest two towers in which everything a training step does takes part: dense parameters with and without decay, and a
 * table that is looked up by three feeds. With x the mean of a user's past items added to the user's embedding, and y the
 * mean of an item's genres added to the item's embedding, the logit is ⟨x·W + b, y·V + c⟩. For `generateDataset`.
 */
export const linearModel: ModelParts = {
  user({ fields, histories: [past] }) {
    const pooled = maskedMean(embed(past!.fields, 'item_id'), past!.mask);
    return { vector: dense('out', add(embed(fields, 'user_id'), pooled), LINEAR.vector) };
  },
  item({ fields }) {
    return { vector: dense('out', add(embed(fields, 'item_id'), embed(fields, 'genres')), LINEAR.vector) };
  },
  score: (user, item) => innerProduct(user.vector!, item.vector!),
  retrieval: { user: 'vector', item: 'vector' },
};

/** Large enough first values for gradients worth comparing. */
const embed = (fields: readonly Field[], name: string) =>
  embedField(fields.find(({ feature }) => feature.name === name)!, {
    width: LINEAR.embedding,
    initialize: normal(0.5),
  });
