import { concat, expandDims, gather, inScope, reshape, shared, type Tensor, width } from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { perEvent } from '../../nn/events.js';
import { concatFields, embedFields, type Field } from '../../nn/fields.js';
import { type MlpOptions, mlp } from '../../nn/mlp.js';
import { maskedMean } from '../../nn/pooling.js';
import { targetAttention } from '../../nn/target-attention.js';
import type { UserInputs } from '../contract.js';

/** What the tower knows of a user before it meets a query. */
export interface UserKnowledge {
  /** [B, d]; absent where there are no user and context fields. */
  profile?: Tensor;
  behaviours: Behaviours[];
}

export interface Behaviours {
  name: string;
  /** s_j, the attributes of each past item: [B, L, D'] */
  events: Tensor;
  /** bool [B, L] */
  mask: Tensor;
  /** Whether events and items have the same attributes, so that a query is an event's like. */
  alike: boolean;
}

/** @param attributes names of the item fields that queries are made of, in their order */
export function knowledge(inputs: UserInputs, attributes: readonly string[], embedding: number): UserKnowledge {
  const own = [...inputs.fields, ...inputs.context];
  const behaviours = inputs.histories.flatMap((past): Behaviours[] => {
    const { name, mask } = past;
    const known = attributes.flatMap((attribute) => past.fields.filter(({ feature }) => feature.name === attribute));
    if (known.length === 0) return [];
    const embed = (fields: readonly Field[]) => concat(embedFields(fields, { width: embedding }));
    const events = inScope(name, () => perEvent({ ...past, fields: known }, embed));
    return [{ name, events, mask, alike: known.length === attributes.length }];
  });
  return { ...(own.length > 0 && { profile: concatFields(own, { width: embedding }) }), behaviours };
}

/** The knowledge of the requests that the given rows name. */
export function gatherKnowledge({ profile, behaviours }: UserKnowledge, rows: Tensor): UserKnowledge {
  return {
    ...(profile && { profile: gather(profile, rows) }),
    behaviours: behaviours.map((one) => ({ ...one, events: gather(one.events, rows), mask: gather(one.mask, rows) })),
  };
}

/** The same with room for several queries: leading axes [B, 1]. */
export function forManyQueries({ profile, behaviours }: UserKnowledge): UserKnowledge {
  return {
    ...(profile && { profile: expandDims(profile, 1) }),
    behaviours: behaviours.map((one) => ({ ...one, events: expandDims(one.events, 1), mask: expandDims(one.mask, 1) })),
  };
}

export interface UserTowerOptions {
  attention: readonly number[];
  tower: MlpOptions;
  queryAsFeature: boolean;
  /** Shape of one result. */
  heads: readonly number[];
}

/**
 * The user tower, with the query as the target of its attention: knowledge with leading axes [P] or [B, 1] and queries
 * [P, D] or [N, D] → heads [P, …] or [B, N, …]. Without a query, behaviours count equally.
 */
export function userTower(
  { profile, behaviours }: UserKnowledge,
  query: Tensor | undefined,
  options: UserTowerOptions,
): Tensor {
  const { attention, tower, queryAsFeature, heads } = options;
  return shared('userTower', () => {
    const interests = behaviours.map(({ name, events, mask, alike }) =>
      inScope(name, () => {
        if (query === undefined) return maskedMean(events, mask);
        const target = alike ? query : dense('query', query, width(events));
        return targetAttention('attention', target, events, mask, { units: attention });
      }),
    );
    const known = [profile, query !== undefined && queryAsFeature ? query : undefined, ...interests];
    const hidden = mlp(
      'tower',
      known.filter((part) => part !== undefined),
      tower,
    );
    return splitHeads(
      dense(
        'heads',
        hidden,
        heads.reduce((a, b) => a * b),
      ),
      heads,
    );
  });
}

/** [..., H·p] → [..., H, p] */
export function splitHeads(x: Tensor, heads: readonly number[]): Tensor {
  return reshape(x, [...x.shape.slice(0, -1), ...heads], x);
}
