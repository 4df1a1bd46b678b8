import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { packagePath } from './package-root.js';

test('finds the files that ship with the package', () => {
  expect(JSON.parse(readFileSync(packagePath('package.json'), 'utf8')).name).toBe('twotower');
  expect(packagePath('datasets', 'a.yaml')).toBe(packagePath('datasets/a.yaml'));
});
