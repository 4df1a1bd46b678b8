import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, totalmem } from 'node:os';
import { packagePath } from '../package-root.js';

/** What a result depends on besides its configuration and data. */
export interface Environment {
  twotower: string;
  node: string;
  onnxruntime: string;
  platform: string;
  cpu: string;
  cores: number;
  memoryGiB: number;
}

export function environment(): Environment {
  const require = createRequire(import.meta.url);
  const cores = cpus();
  return {
    twotower: JSON.parse(readFileSync(packagePath('package.json'), 'utf8')).version,
    node: process.versions.node,
    onnxruntime: require('onnxruntime-node/package.json').version,
    platform: `${platform()}-${arch()}`,
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}
