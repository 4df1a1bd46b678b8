import { normalizeLength } from '../../graph/index.js';
import { innerProduct } from '../../nn/similarity.js';
import type { Schema } from '../../schema.js';
import type { ModelParts } from '../contract.js';
import type { Options } from './options.js';
import { createParts } from './parts.js';

/**
 * How well T2Diff guesses the next item, as a model of its own over the same parameters: its score is the cosine of the
 * generated and a real item's embedding, so that evaluating it by retrieval ranks the true item among all.
 */
export function reconstruction(schema: Schema, options: Options): ModelParts {
  const { generator, pastOf, embed, read } = createParts(schema, options);
  if (generator === undefined) throw new RangeError('generator "none" reconstructs nothing');
  return {
    item: ({ fields }) => ({ vector: normalizeLength(embed(fields)) }),
    user: (inputs) => ({ vector: normalizeLength(generator.serve(read(pastOf(inputs)))) }),
    score: (user, item) => innerProduct(user.vector!, item.vector!),
    retrieval: { user: 'vector', item: 'vector' },
  };
}
