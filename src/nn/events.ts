import { putBack, type Tensor, type Used, used } from '../graph/index.js';
import type { Field } from './fields.js';

/** A padded list of past events, each with the same fields. */
export interface Events {
  /** [B, L] each */
  fields: readonly Field[];
  /** bool [B, L]: the last positions, where an event stands */
  mask: Tensor;
  /** int32 [B]: how many there are */
  length: Tensor;
}

/** The events that there are, and their fields with one row for each. */
export function onlyUsed({ fields, mask, length }: Events): { events: Used; fields: Field[] } {
  const events = used(mask, length);
  return { events, fields: fields.map((field) => ({ ...field, used: events })) };
}

/**
 * What is made of each past event by itself, for those alone that there are; zeros stand in the padding.
 *
 * @param make of fields with one row for each event, [E, …] → [E, d]
 * @returns [B, L, d]
 */
export function perEvent(past: Events, make: (fields: readonly Field[]) => Tensor): Tensor {
  const { events, fields } = onlyUsed(past);
  return putBack(make(fields), events);
}
