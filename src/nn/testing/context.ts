import { input } from '../../graph/index.js';
import type { LossContext } from '../losses/loss.js';

export const STAGE_NAMES = ['corpus', 'candidate', 'shown', 'clicked'];

/** What every loss is given, as inputs of their names. */
export function pairContext(): LossContext {
  return {
    logits: input('logits', ['P']),
    label: input('label', ['P']),
    weight: input('weight', ['P']),
    request: input('request', ['P'], 'int32'),
    itemRow: input('itemRow', ['P'], 'int32'),
  };
}

/** The same of pairs that stand in lists, have stages and may be taught. */
export function listContext(): LossContext {
  return {
    ...pairContext(),
    stage: input('stage', ['P'], 'int32'),
    stageNames: STAGE_NAMES,
    teacher: input('teacher', ['P']),
    taught: input('taught', ['P']),
    lists: { pairs: input('pairs', ['B', 'L'], 'int32'), mask: input('mask', ['B', 'L'], 'bool') },
  };
}
