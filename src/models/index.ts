import { didYouMean, TwoTowerError } from '../errors.js';
import cold from './cold/model.js';
import comirec from './comirec/model.js';
import type { ModelDefinition } from './contract.js';
import dat from './dat/model.js';
import dcnV2 from './dcn-v2/model.js';
import din from './din/model.js';
import dssm from './dssm/model.js';
import fit from './fit/model.js';
import hit from './hit/model.js';
import inttower from './inttower/model.js';
import ltTtd from './lt-ttd/model.js';
import mlcc from './mlcc/model.js';
import ranktower from './ranktower/model.js';
import sparcode from './sparcode/model.js';
import t2diff from './t2diff/model.js';
import youtubeDnn from './youtube-dnn/model.js';

// biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
export const MODELS: readonly ModelDefinition<any>[] = [
  cold,
  comirec,
  dat,
  dcnV2,
  din,
  dssm,
  fit,
  hit,
  inttower,
  ltTtd,
  mlcc,
  ranktower,
  sparcode,
  t2diff,
  youtubeDnn,
];

/** The registered model of that name. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export function findModel(name: string): ModelDefinition<any> {
  const model = MODELS.find((candidate) => candidate.name === name);
  if (model === undefined) {
    throw new TwoTowerError(
      'MODEL_UNKNOWN',
      `there is no model "${name}"`,
      didYouMean(
        name,
        MODELS.map((m) => m.name),
      ),
    );
  }
  return model;
}
