import { add, shared, type Tensor } from '../graph/index.js';
import { dense } from './dense.js';
import { type EmbeddingOptions, embedFields, type Field, isCategorical, numbersOf } from './fields.js';

/**
 * All fields added up in one space: the embeddings of id fields and, for numbers, a linear map: [..., width]. Tables and
 * maps belong to the field, so that an item and the memory of it in a history lie at the same place.
 */
export function sumFields(fields: readonly Field[], options: EmbeddingOptions): Tensor {
  const { width, table = '' } = options;
  const mapped = fields
    .filter((field) => !isCategorical(field))
    .map((field) => {
      const { owner, name } = field.feature;
      return shared(`${table}numbers/${owner}.${name}`, () => dense('map', numbersOf(field), width, { bias: false }));
    });
  return [...embedFields(fields, options), ...mapped].reduce((a, b) => add(a, b));
}
