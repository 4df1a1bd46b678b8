import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { didYouMean, TwoTowerError } from '../errors.js';
import { type DatasetConfig, readDatasetConfig } from './config.js';
import { download } from './download.js';

/** Names of the descriptions that come with the package. */
export function bundledDatasets(): string[] {
  return readdirSync(bundledFolder())
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/** The file of a description: the path itself, or that of a bundled name. @throws CONFIG_UNREADABLE */
export function datasetFile(pathOrName: string): string {
  if (existsSync(pathOrName)) return pathOrName;
  if (/\.ya?ml$/.test(pathOrName)) {
    throw new TwoTowerError('CONFIG_UNREADABLE', `${pathOrName}: there is no such file`, 'Check the path.');
  }
  const names = bundledDatasets();
  if (names.includes(pathOrName)) return join(bundledFolder(), `${pathOrName}.yaml`);
  throw new TwoTowerError(
    'CONFIG_UNREADABLE',
    `"${pathOrName}" is neither a file nor a bundled dataset, ${didYouMean(pathOrName, names)}`,
    'Give the path of a dataset description, or one of these names.',
  );
}

/**
 * The description at a path or of a bundled name, its data folder settled: `root` if given; else where the description says;
 * else the download it names, fetched once.
 */
export async function bundledConfig(
  pathOrName: string,
  options: {
    root?: string;
    cache?: string;
    onProgress?: (progress: { stage: string; done?: number; total?: number }) => void;
  } = {},
): Promise<DatasetConfig> {
  const config = readDatasetConfig(datasetFile(pathOrName));
  if (options.root !== undefined) return { ...config, root: options.root };
  if (config.download === undefined || existsSync(join(config.root, config.tables.events.path))) return config;
  options.onProgress?.({ stage: `${config.name}: ${config.download.terms}` });
  const { url, md5, folder } = config.download;
  const root = await download({
    url,
    md5,
    folder,
    ...(options.cache === undefined ? {} : { cache: options.cache }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
  return { ...config, root };
}

/** `datasets/` stands beside the sources as well as beside the built files: the nearest one above. */
function bundledFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'datasets', 'kuairand-pure.yaml'))) return join(folder, 'datasets');
  }
  throw new TwoTowerError('DATA_SOURCE', `no bundled datasets were found above ${here}`, 'Install the package again.');
}
