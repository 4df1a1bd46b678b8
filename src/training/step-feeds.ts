/** Names of feeds and outputs of the training step that are not the batch's. */
export const STEP_FEEDS = {
  dense: 'dense',
  states: 'states',
  rate: 'schedule.rate',
  step: 'schedule.step',
  stepsPerEpoch: 'schedule.stepsPerEpoch',
  /** Per weight: decay and factor on the learning rate. */
  decay: 'dense#decay',
  factor: 'dense#factor',
} as const;

/** Fed where the step reads it. */
export const LOGQ_FEED = 'item.logq';

export const denseSlot = (slot: string): string => `dense.${slot}`;
export const tableSlot = (table: string, slot: string): string => `${table}.${slot}`;
