import { didYouMean, TwoTowerError } from '../errors.js';
import type { ModelDefinition } from './contract.js';
import dcnV2 from './dcn-v2/model.js';
import din from './din/model.js';
import dssm from './dssm/model.js';
import fit from './fit/model.js';

// biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
export const MODELS: readonly ModelDefinition<any>[] = [dcnV2, din, dssm, fit];

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
