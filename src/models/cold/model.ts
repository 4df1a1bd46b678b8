import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { add, concat, flatten, multiply, reduceMean, shared, sigmoid, slice, squeeze, type Tensor } from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { defineModel, gatherState, type ModelParts, type State } from '../contract.js';
import { groupsOf, itemSide, requireKnown, requireSides, type Side, stackEmbeddings, userSide } from '../sides.js';
import { crossProducts, firstLayer, hiddenLayer, NORMALIZATIONS } from './network.js';

const options = z.strictObject({
  /** Width of every embedding. */
  embedding: z.int().positive().default(16),
  /** Hidden layers of the network that every candidate runs through. */
  layers: z.array(z.int().positive()).min(1).default([128, 64]),
  /** `linear-log` is the paper's squashing without parameters, before each ReLU. */
  normalization: z.enum(NORMALIZATIONS).default('none'),
  dropout: z.number().min(0).lt(1).default(0.1),
  /** Whether every embedding is multiplied by its importance for the pair. */
  gate: z.boolean().default(true),
  /** Adds the inner product of every user embedding with every item embedding. */
  crosses: z.boolean().default(true),
  /** Logs the mean importance of every feature, from which features are selected. */
  reportGates: z.boolean().default(false),
  /** Features that were not selected, such as `user.age`, `context.hour` or `history.clicks.genres`. */
  without: z.array(z.string()).default([]),
  /** Uses each history of the user, pooled. */
  history: z.boolean().default(true),
});

/** COLD (Wang et al., 2020): a whole network for every candidate, made cheap by choosing its features. */
export default defineModel<z.infer<typeof options>>({
  name: 'cold',
  title: 'A network over user, item and crosses with feature importance',
  options,
  create(schema, o) {
    requireSides('cold', schema, o.history);
    const all = groupsOf(schema, o.history);
    requireKnown('cold', 'without', o.without, [...all.user, ...all.item].map(({ name }) => name));
    const kept = (names: readonly { name: string }[]) => names.filter(({ name }) => !o.without.includes(name));
    if (kept([...all.user, ...all.item]).length === 0) {
      throw new TwoTowerError('MODEL_OPTIONS', 'cold: every feature is left out', 'Shorten the option `without`.');
    }
    const select = ({ embeddings, numbers }: Side): Side => ({
      embeddings: embeddings.filter(({ name }) => !o.without.includes(name)),
      numbers: numbers.filter(({ name }) => !o.without.includes(name)),
    });
  },
});
