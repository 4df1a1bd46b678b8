import { TwoTowerError } from '../../errors.js';
import { Random } from '../../random.js';
import { completeConfig, modelOf, type RunConfig } from '../../runs/config.js';
import { drawValue, type SearchSpace, searchSpace } from '../../search-space.js';
import { readYaml } from '../../yaml.js';

/** One configuration that is tried. */
export interface Proposal {
  /** From 1; the first is the configuration as it is. */
  number: number;
  /** What differs from the configuration, by key. */
  changes: Record<string, unknown>;
  config: RunConfig;
}

/** What is tried of training, for every model. */
export const TRAINING_SEARCH: SearchSpace = {
  'training.learningRate': { low: 1e-4, high: 5e-3, scale: 'log' },
  'training.batchSize': { values: [256, 512, 1024, 2048] },
  'training.idDropout': { low: 0, high: 0.2 },
};

/** What all trials must have in common: the data and how they are judged. */
const FIXED = ['data', 'label', 'evaluation', 'training.validation', 'threads'];

/** What is tried unless told: the options the model declares, and those of training. */
export function declaredSpace(config: RunConfig): SearchSpace {
  const { definition } = modelOf(config);
  const own = Object.entries(definition.search ?? {}).map(([key, range]) => [`model.${key}`, range] as const);
  return { ...Object.fromEntries(own), ...TRAINING_SEARCH };
}

/** Reads a search space. @throws CONFIG_UNREADABLE, CONFIG_INVALID */
export function readSpace(file: string): SearchSpace {
  const space = readYaml(file, searchSpace);
  const fixed = Object.keys(space).find((key) => FIXED.some((one) => key === one || key.startsWith(`${one}.`)));
  if (fixed !== undefined) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `${file}: ${fixed}: trials that differ in this cannot be compared`,
      'Search over options of the model and of training.',
    );
  }
  if (Object.keys(space).length > 0) return space;
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `${file}: nothing to search over`,
    'Write key.path: { low, high } or { values }.',
  );
}

/**
 * The configuration itself and others drawn evenly from the space. More trials begin with the same ones.
 *
 * @throws CONFIG_INVALID where the space has keys or values that no configuration may have
 */
export function propose(config: RunConfig, space: SearchSpace, trials: number, seed: number): Proposal[] {
  return Array.from({ length: trials }, (_, i) => {
    const number = i + 1;
    if (number === 1) return { number, changes: {}, config };
    const random = Random.of(seed, 'trial', number);
    const changes = Object.fromEntries(Object.entries(space).map(([key, range]) => [key, drawValue(range, random)]));
    return { number, changes, config: completeConfig(changed(config, changes), `trial ${number} of the search space`) };
  });
}

/** A copy with values set by key path. */
function changed(config: RunConfig, changes: Record<string, unknown>): unknown {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  for (const [key, value] of Object.entries(changes)) {
    const path = key.split('.');
    let target = copy;
    for (const name of path.slice(0, -1)) {
      const inner = target[name];
      if (typeof inner === 'object' && inner !== null) target = inner as Record<string, unknown>;
      else {
        const made: Record<string, unknown> = {};
        target[name] = made;
        target = made;
      }
    }
    target[path.at(-1)!] = value;
  }
  return copy;
}
