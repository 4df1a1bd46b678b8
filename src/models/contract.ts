import type { z } from 'zod';
import { gather, type Tensor } from '../graph/index.js';
import type { Field } from '../nn/fields.js';
import type { Lists } from '../nn/losses/loss.js';
import type { Schema } from '../schema.js';
import type { SearchSpace } from '../search-space.js';

/** Named tensors that one part of a model hands to the next; the first axis counts items or requests. */
export type State = Record<string, Tensor>;

/** The user's earlier events of one kind, right-aligned: the newest stands last. L = maxLength. */
export interface History {
  name: string;
  maxLength: number;
  /** Item features of each past event, leading axes [B, L]; named as in `ItemInputs.fields`. */
  fields: Field[];
  /** int32 [B] */
  length: Tensor;
  /** bool [B, L]: which positions hold an event. */
  mask: Tensor;
  /** float32 [B, L]: seconds before the request, 0 where unknown. */
  lag: Tensor;
}

export interface ItemInputs {
  /** Leading axis I. */
  fields: Field[];
}

export interface UserInputs {
  /** User fields, leading axis B. */
  fields: Field[];
  /** Fields of the request itself, leading axis B. */
  context: Field[];
  histories: History[];
}

/** What the training form of a model may see besides the states; P pairs of a request and an item. */
export interface TrainInputs {
  user: UserInputs;
  item: ItemInputs;
  userState: State;
  itemState: State;
  /** int32 [P]: the pair's row among the B requests and among the I items. */
  request: Tensor;
  itemRow: Tensor;
  /** float32 [P] */
  label: Tensor;
  /** One list for each request, in the requests' order, where the batches are made of lists; see `LossContext`. */
  lists?: Lists;
  /** float32 [I], as losses get it; see `LossContext`. Batches carry it where the graph reads it. */
  logq: Tensor;
  /** Steps done before this one, as a scalar; with `stepsPerEpoch`, for annealing. */
  step: Tensor;
  stepsPerEpoch: Tensor;
}

/** What is known of pairs of a request and an item whose item states are at hand. */
export interface PairInputs {
  /** Leading axis B. */
  user: UserInputs;
  /** Leading axis I. */
  items: State;
  /** int32 [P]: the pair's row among the B requests and among the I items. */
  request: Tensor;
  itemRow: Tensor;
}

export interface TrainOutputs {
  /** [P] */
  logits: Tensor;
  /**
   * [P, I]: each pair's own view of its request against every item of the batch, where training has one for each pair, such as
   * the interest that its item chose. Losses over all items use it in place of the request's row of inner products; a
   * request's other positives then count as competitors.
   */
  similarity?: Tensor;
  /** Losses of the model's own, already weighted, added to the objectives: scalars. */
  losses?: Record<string, Tensor>;
  /** Scalars to log. */
  metrics?: Record<string, Tensor>;
}

/**
 * A model, cut where the cascade cuts it. Each part is a function that builds its piece of graph from the tensors it is
 * given; it is called once for training (leading axes B, I and P) and once for each exported file. `user` state with leading axis 1
 * broadcasts against `item` states with leading axis N in `score`.
 */
export interface ModelParts {
  /** Offline, once per item; sees item fields only. */
  item(inputs: ItemInputs): State;
  /** Once per request; sees user and context fields and histories. */
  user(inputs: UserInputs): State;
  /** Once per candidate: one logit each, [N]; candidates do not see each other. */
  score(user: State, item: State): Tensor;
  /**
   * Present where a user state holds an answer for many items at once: logits [P] of pairs, each from no more than what it asks
   * about. The same as `score` on the gathered states.
   */
  pairs?(inputs: PairInputs): Tensor;
  /**
   * Once per short list: logits that may depend on the whole list, [B, N]. User states have leading axes [B, 1], item states
   * [B, N], `scores` [B, N], `mask` bool [B, N].
   */
  rerank?(user: State, items: State, scores: Tensor, mask: Tensor): Tensor;
  /** Only where training takes another path than `score` on the gathered states. */
  train?(inputs: TrainInputs): TrainOutputs;
  /**
   * Present where `score` is the inner product of two states plus a constant per request, so that a nearest-neighbour index
   * can retrieve: user state [B, d] (or [B, K, d] for K interests, of which the best counts), item state [I, d].
   */
  retrieval?: { user: string; item: string };
}

export interface ModelDefinition<Options = unknown> {
  /** As in the config: lower case with hyphens. */
  name: string;
  title: string;
  /** Options with their defaults; unknown keys are errors. */
  options: z.ZodType<Options>;
  /** Options that are worth searching over, and where; `twotower tune` tries them besides those of training. */
  search?: SearchSpace;
  /** Throws MODEL_OPTIONS where the options do not fit the schema. */
  create(schema: Schema, options: Options): ModelParts;
}

/** Keeps the option types together: `export default defineModel({ … })`. */
export function defineModel<Options>(definition: ModelDefinition<Options>): ModelDefinition<Options> {
  return definition;
}

/** Rows of every tensor of a state. */
export function gatherState(state: State, rows: Tensor): State {
  return Object.fromEntries(Object.entries(state).map(([name, tensor]) => [name, gather(tensor, rows)]));
}
