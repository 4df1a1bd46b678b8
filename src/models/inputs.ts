import { type Dim, input } from '../graph/index.js';
import { fieldInput, lastMask } from '../nn/fields.js';
import type { Schema } from '../schema.js';
import type { History, ItemInputs, UserInputs } from './contract.js';

/** Declares the feeds of the item part with leading axis `lead`. */
export function itemInputs(schema: Schema, lead: Dim): ItemInputs {
  return { fields: schema.item.map((feature) => fieldInput(feature, 'item', [lead])) };
}

/** Declares the feeds of the user part with leading axis `lead`. */
export function userInputs(schema: Schema, lead: Dim): UserInputs {
  const histories = schema.histories.map(({ name, maxLength, features }): History => {
    const prefix = `history.${name}`;
    const length = input(`${prefix}.length`, [lead], 'int32');
    return {
      name,
      maxLength,
      fields: features.map((feature) => fieldInput(feature, prefix, [lead, maxLength])),
      length,
      mask: lastMask(maxLength, length),
      lag: input(`${prefix}.lag`, [lead, maxLength]),
    };
  });
  return {
    fields: schema.user.map((feature) => fieldInput(feature, 'user', [lead])),
    context: schema.context.map((feature) => fieldInput(feature, 'context', [lead])),
    histories,
  };
}
