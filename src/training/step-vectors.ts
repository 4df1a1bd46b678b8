import type { Feed, Feeds } from '../schema.js';
import type { TrainingOptions } from './config.js';
import type { ParameterStore } from './parameter-store.js';
import { scheduleFactor } from './schedule.js';
import { weightRules } from './set-up.js';
import { denseSlot, STEP_FEEDS } from './step-feeds.js';

/** Steps of a training, all and of one epoch. */
export interface StepCounts {
  stepsPerEpoch: number;
  totalSteps: number;
}

/** What every step reads and writes besides the batch and the tables: the long vectors of dense weights, and the schedule. */
export class StepVectors {
  private readonly rules: ReturnType<typeof weightRules>;

  constructor(
    private readonly store: ParameterStore,
    private readonly options: TrainingOptions,
    private readonly counts: StepCounts,
  ) {
    this.rules = weightRules(store, options);
  }

  feeds(step: number): Feeds {
    const { store, options, counts, rules } = this;
    const scalar = (value: number): Feed => ({ data: Float32Array.of(value), shape: [] });
    const vector = (current: Float32Array): Feed => ({ data: current, shape: [current.length] });
    const feeds: Feeds = {
      [STEP_FEEDS.dense]: vector(store.dense.current),
      [STEP_FEEDS.states]: vector(store.states.current),
      [STEP_FEEDS.rate]: scalar(options.learningRate * scheduleFactor(options.schedule, step + 1, counts.totalSteps)),
      [STEP_FEEDS.step]: scalar(step),
      [STEP_FEEDS.stepsPerEpoch]: scalar(counts.stepsPerEpoch),
      [STEP_FEEDS.decay]: vector(rules.decay),
      [STEP_FEEDS.factor]: vector(rules.factor),
    };
    const { optimizer } = store;
    for (const [name, value] of Object.entries(optimizer.scalars(step + 1))) feeds[`schedule.${name}`] = scalar(value);
    optimizer.slots.forEach((slot, i) => {
      feeds[denseSlot(slot)] = vector(store.denseSlots[i]!.current);
    });
    return feeds;
  }

  /** Where a step writes the new values, by output: the half of each double buffer that it does not read. */
  targets(): Record<string, { data: Float32Array; shape: number[] }> {
    const { store } = this;
    const targets: Record<string, { data: Float32Array; shape: number[] }> = {};
    const target = (name: string, data: Float32Array) => {
      if (data.length > 0) targets[`new ${name}`] = { data, shape: [data.length] };
    };
    target(STEP_FEEDS.dense, store.dense.next);
    target(STEP_FEEDS.states, store.states.next);
    store.optimizer.slots.forEach((slot, i) => {
      target(denseSlot(slot), store.denseSlots[i]!.next);
    });
    return targets;
  }

  /** What was written becomes current. */
  swap(): void {
    const { store } = this;
    store.dense.swap();
    for (const slot of store.denseSlots) slot.swap();
    store.states.swap();
  }
}
