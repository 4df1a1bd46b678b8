import { cascade } from './cascade.js';
import { compare } from './compare.js';
import { data } from './data.js';
import { evaluate } from './evaluate.js';
import { exportModel } from './export.js';
import { funnelLog } from './funnel-log.js';
import { inspect } from './inspect.js';
import { keys } from './keys.js';
import { plan } from './plan.js';
import { predict } from './predict.js';
import { publish } from './publish.js';
import { quickstart } from './quickstart.js';
import { recommend } from './recommend.js';
import { schema } from './schema.js';
import { serve } from './serve.js';
import { train } from './train.js';
import { tune } from './tune.js';
import type { Verb } from './verb.js';

/** Every command of `twotower`, in the order of the help. */
export const verbs: readonly Verb[] = [
  quickstart,
  train,
  evaluate,
  predict,
  recommend,
  tune,
  compare,
  cascade,
  inspect,
  exportModel,
  publish,
  serve,
  plan,
  keys,
  funnelLog,
  data,
  schema,
];
