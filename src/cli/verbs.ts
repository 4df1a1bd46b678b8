import { data } from './data.js';
import { evaluate } from './evaluate.js';
import { exportModel } from './export.js';
import { inspect } from './inspect.js';
import { predict } from './predict.js';
import { quickstart } from './quickstart.js';
import { recommend } from './recommend.js';
import { schema } from './schema.js';
import { train } from './train.js';
import type { Verb } from './verb.js';

/** Every command of `twotower`, in the order of the help. */
export const verbs: readonly Verb[] = [
  quickstart,
  train,
  evaluate,
  predict,
  recommend,
  inspect,
  exportModel,
  data,
  schema,
];
