import { existsSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { parse } from 'yaml';
import { bundledDatasets } from '../data/bundled.js';
import { absoluteFolder } from '../data/config.js';
import { didYouMean, TwoTowerError } from '../errors.js';
import { packagePath } from '../package-root.js';
import { readText } from '../yaml.js';
import { completeConfig, parseConfig, type RunConfig } from './config.js';

/**
 * Reads a training configuration. Paths in the file start from its folder, paths in `assignments` from the working folder;
 * the result holds absolute ones, so that a run works wherever it is opened.
 *
 * @param assignments `key.path=value`, each applied to what the file says; values are read as YAML
 * @throws CONFIG_UNREADABLE, CONFIG_INVALID, USAGE
 */
export function readConfig(file: string, assignments: readonly string[] = []): RunConfig {
  const text = readText(
    file,
    `Give the path of a training configuration (YAML); there are examples in ${packagePath('configs')}.`,
  );
  const config = parseConfig(text, file);
  if (assignments.length === 0) return settled(config, () => dirname(file));
  // Applied to what the file says, not to the completed configuration: another model has other defaults.
  const said = parse(text) as Record<string, unknown>;
  for (const assignment of assignments) {
    const at = assignment.indexOf('=');
    if (at <= 0) throw new TwoTowerError('USAGE', `--set ${assignment}`, 'Write --set key.path=value.');
    override(said, assignment.slice(0, at).split('.'), yamlValue(assignment, assignment.slice(at + 1)));
  }
  const changed = completeConfig(said, `${file} with ${assignments.map((one) => `--set ${one}`).join(' ')}`);
  const assigned = assignments.map((one) => one.slice(0, one.indexOf('=')));
  return settled(changed, (path) =>
    assigned.some((key) => path === key || path.startsWith(`${key}.`)) ? '.' : dirname(file),
  );
}

/** A dataset as named in a configuration in `folder`: the absolute path of its description, or a bundled name. */
function datasetPath(named: string, folder: string): string {
  const path = resolve(folder, named);
  if (extname(named) !== '') return path;
  const bundled = bundledDatasets();
  if (bundled.includes(named)) return named;
  if (existsSync(path)) return path;
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `data: "${named}" is neither a file nor a bundled dataset, ${didYouMean(named, bundled)}`,
    'Give the path of a dataset description, or one of these names.',
  );
}

/** The configuration with absolute paths; each starts from the folder that `folderOf` says for its key. */
function settled(config: RunConfig, folderOf: (key: string) => string): RunConfig {
  const { lists, teacher, ...training } = config.training;
  const absolute = (key: string, path: string) => resolve(folderOf(key), path);
  return {
    ...config,
    data: settledData(config.data, folderOf('data.dataset'), folderOf('data.root'), folderOf('data.stream.cache')),
    training: {
      ...training,
      ...(lists && {
        lists: {
          ...lists,
          ...(lists.candidateFile !== undefined && {
            candidateFile: absolute('training.lists.candidateFile', lists.candidateFile),
          }),
        },
      }),
      ...(teacher && {
        teacher: 'run' in teacher ? { ...teacher, run: absolute('training.teacher.run', teacher.run) } : teacher,
      }),
    },
  };
}

/** The section `data` with absolute paths, where those of the dataset, of its files and of its windows start from three folders. */
export function settledData(
  data: RunConfig['data'],
  datasetFolder: string,
  rootFolder: string,
  cacheFolder = datasetFolder,
): RunConfig['data'] {
  const { dataset, root, stream } = data;
  const cache = stream?.cache;
  return {
    ...data,
    dataset: datasetPath(dataset, datasetFolder),
    ...(root !== undefined && { root: absoluteFolder(rootFolder, root) }),
    ...(stream && { stream: { ...stream, ...(cache !== undefined && { cache: resolve(cacheFolder, cache) }) } }),
  };
}

function yamlValue(assignment: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new TwoTowerError(
      'USAGE',
      `--set ${assignment}: ${(cause as Error).message.split(/ at line \d|\n/)[0]}`,
      'Write the value as YAML.',
    );
  }
}

/** Sets a value deep inside a plain object; what is missing on the way is made. */
function override(config: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let target = config;
  path.slice(0, -1).forEach((key, i) => {
    const inner = Object.hasOwn(target, key) ? target[key] : undefined;
    // `data: NAME` is short for `data: { dataset: NAME }`.
    if (typeof inner === 'string' && key === 'data') put(target, key, { dataset: inner });
    else if (typeof inner !== 'object' || inner === null) put(target, key, /^\d+$/.test(path[i + 1]!) ? [] : {});
    target = target[key] as Record<string, unknown>;
  });
  put(target, path.at(-1)!, value);
}

/** A plain assignment would not make a key named `__proto__`, which must end as an unknown key. */
function put(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}
