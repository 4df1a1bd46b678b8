import { existsSync, readdirSync } from 'node:fs';
import { didYouMean, TwoTowerError } from '../errors.js';
import { packagePath } from '../package-root.js';
import { isS3Url } from '../s3/address.js';
import { type DatasetConfig, readDatasetConfig } from './config.js';
import { cacheFolder, download } from './download.js';
import { placeOfTable } from './files-of-table.js';
import { generatedFunnel } from './funnel/cached.js';

/** Names of the descriptions that come with the package. */
export function bundledDatasets(): string[] {
  return readdirSync(packagePath('datasets'))
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}

/**
 * The file of a description: that of a bundled name, whatever lies in the working folder under that name, else the path
 * itself. `./NAME` is a path.
 *
 * @throws CONFIG_UNREADABLE
 */
export function datasetFile(pathOrName: string): string {
  const names = bundledDatasets();
  if (names.includes(pathOrName)) return packagePath('datasets', `${pathOrName}.yaml`);
  if (existsSync(pathOrName)) return pathOrName;
  if (/\.ya?ml$/.test(pathOrName)) {
    throw new TwoTowerError('CONFIG_UNREADABLE', `${pathOrName}: there is no such file`, 'Check the path.');
  }
  throw new TwoTowerError(
    'CONFIG_UNREADABLE',
    `"${pathOrName}" is neither a file nor a bundled dataset, ${didYouMean(pathOrName, names)}`,
    'Give the path of a dataset description, or one of these names.',
  );
}

/**
 * The description at a path or of a bundled name, its data folder settled: `root` if given; else where the description says;
 * else the download or the generated world that it names, fetched or made once.
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
  const events = placeOfTable(config.tables.events, config.root);
  if (isS3Url(events) || existsSync(events)) return config;
  if (config.generate !== undefined) {
    const { world: _, ...world } = config.generate;
    const progress = (done: number) => options.onProgress?.({ stage: `generating ${config.name}`, done, total: 1 });
    return { ...config, root: await generatedFunnel(options.cache ?? cacheFolder(), world, progress) };
  }
  if (config.download === undefined) return config;
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
