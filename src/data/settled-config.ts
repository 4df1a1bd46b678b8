import { TwoTowerError } from '../errors.js';
import { isS3Url } from '../s3/address.js';
import { bundledConfig } from './bundled.js';
import type { DatasetConfig } from './config.js';
import type { LoadOptions } from './load-options.js';
import { splitProblem } from './split-options.js';

/**
 * The description, its data folder and split settled.
 *
 * @throws CONFIG_INVALID where the split does not go with the stages, or a truth would lie in a bucket
 */
export async function settledConfig(
  source: DatasetConfig | string,
  options: Pick<LoadOptions, 'root' | 'split' | 'cache' | 'onProgress'>,
): Promise<DatasetConfig> {
  const given = typeof source === 'string' ? await bundledConfig(source, options) : source;
  const config = {
    ...given,
    ...(options.root !== undefined && { root: options.root }),
    ...(options.split !== undefined && { split: options.split }),
  };
  if (config.truth !== undefined && isS3Url(config.root)) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `${config.file}: truth: the data folder is ${config.root}, and a truth is read from a disk alone`,
      'Copy the folder of the generated world.',
    );
  }
  const problem = splitProblem(config.split, config.stages);
  if (problem === undefined) return config;
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `data.split: ${problem}, and ${config.file} has one`,
    'Cut by time: shares (train, validation) or moments (trainUntil, validationUntil).',
  );
}

/** Where the split was asked for. */
export function splitPlace(config: DatasetConfig, { split }: Pick<LoadOptions, 'split'>): string {
  return split === undefined ? `${config.file}: split` : 'data.split';
}
