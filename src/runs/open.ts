import { join } from 'node:path';
import { Featurizer, type FeaturizerOptions } from '../data/featurizer.js';
import { TwoTowerError } from '../errors.js';
import type { ModelDefinition, ModelParts } from '../models/contract.js';
import { MODELS } from '../models/index.js';
import { Inference } from '../training/inference.js';
import { loadBest } from './best.js';
import { modelOf } from './config.js';
import { RUN_FILES, type RunDescription, readRun } from './folder.js';

export interface OpenOptions {
  /** Told when something is off that does not prevent the run's use, such as a damaged best checkpoint. */
  warn?: (message: string) => void;
  /** Models besides the registered ones that the run may use. */
  // biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
  models?: readonly ModelDefinition<any>[];
  /** Threads of one ONNX Runtime session, instead of what the configuration says. */
  threads?: number;
}

/** A trained model with all it needs to be used. Release it when done. */
export interface Run extends RunDescription {
  folder: string;
  /** The step whose parameters are used. */
  step: number;
  model: ModelParts;
  inference: Inference;
  /** Turns raw values into feeds. */
  featurizer(options?: FeaturizerOptions): Featurizer;
  release(): Promise<void>;
}

/**
 * Opens a run folder with its best checkpoint, verified by checksum. A damaged one is passed over for the newest intact one,
 * with a warning.
 *
 * @throws RUN_INVALID, CHECKPOINT_DAMAGED, CONFIG_INVALID
 */
export async function openRun(folder: string, options: OpenOptions = {}): Promise<Run> {
  const models = [...MODELS, ...(options.models ?? [])];
  const description = await readRun(folder, models);
  const { config, schema, encoders } = description;
  const { definition, options: modelOptions } = modelOf(config, models);
  const model = definition.create(schema, modelOptions);
  const checkpoint = await loadBest(join(folder, RUN_FILES.checkpoints), options.warn ?? (() => {}));
  const value = (name: string) => checkpoint.tensors.get(name)!.data as Float32Array;
  const inference = new Inference(model, schema, value, { threads: options.threads ?? config.threads });
  for (const { name, shape } of inference.parameters) {
    const size = shape.reduce((a, b) => a * b, 1);
    if (checkpoint.tensors.get(name)?.data.length !== size) {
      throw new TwoTowerError(
        'RUN_INVALID',
        `${folder}: the checkpoint of step ${checkpoint.step} has no ${name} of ${size} values`,
        'It was written by another version of the model: train again.',
      );
    }
  }
  return {
    ...description,
    folder,
    step: checkpoint.step,
    model,
    inference,
    featurizer: (featurizerOptions) => Featurizer.fromState(schema, encoders, featurizerOptions),
    release: () => inference.release(),
  };
}
