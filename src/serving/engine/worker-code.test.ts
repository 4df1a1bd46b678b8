import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../../', import.meta.url));
const STATEMENT = /^(?:import|export) (?!type )(?:[^'";]*? from )?'([^']+)';$/gm;

/** Files and packages that are loaded with a module: imports of nothing but types are gone when it runs. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  found.add(relative(src, file));
  for (const [, name] of readFileSync(file, 'utf8').matchAll(STATEMENT)) {
    if (!name!.startsWith('.')) found.add(name!);
    else {
      const next = join(dirname(file), name!.replace(/\.js$/, '.ts'));
      if (!found.has(relative(src, next))) loadedWith(next, found);
    }
  }
  return found;
}

test('a worker, which begins before the first version can answer, loads what it runs and not what made it', () => {
  const loaded = [...loadedWith(join(src, 'serving/engine/worker.ts'))];
  expect(loaded).toEqual(expect.arrayContaining(['onnxruntime-node', 'serving/kernel/score-kernel.ts']));
  // The index comes with the whole graph room, the compiler of scores with a reader of ONNX files, the manifest with its schema.
  const made =
    /^(graph|models|nn)\/|^cascade\/index\/(load|hnsw)|kernel\/compile-score|serving\/manifest\.ts|^zod$|^@bufbuild/;
  expect(loaded.filter((name) => made.test(name))).toEqual([]);
});

test('the thread that reads a version loads nothing large, and nothing that only publishing or checking the manifest needs', () => {
  const loaded = [...loadedWith(join(src, 'serving/engine/read-version.ts'))].filter(
    (name) => !name.startsWith('node:'),
  );
  expect(loaded).toContain('training/safetensors.ts');
  expect(loaded.length).toBeLessThan(20);
  expect(loaded.filter((name) => !name.endsWith('.ts'))).toEqual([]);
});
