// Lets Node load the sources of this repository as they are. Vite could too, but would load itself first and take thrice as long.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

// The compiler that Vite brings, and so the one that the tests themselves go through.
const vite = createRequire(import.meta.url).resolve('vite/package.json');
const { transformSync } = await import(pathToFileURL(createRequire(vite).resolve('rolldown/utils')).href);

/** @type {import('node:module').ResolveHook} */
export function resolve(specifier, context, next) {
  if (!specifier.startsWith('.') || !context.parentURL?.endsWith('.ts')) return next(specifier, context);
  const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL).href;
  return { url, format: 'module', shortCircuit: true };
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const path = fileURLToPath(url);
  const options = { tsconfig: false, typescript: { onlyRemoveTypeImports: true }, sourcemap: true };
  const { code, map, errors } = transformSync(path, await readFile(path, 'utf8'), options);
  if (errors.length > 0) throw errors[0];
  const inline = Buffer.from(JSON.stringify(map)).toString('base64');
  const source = `${code}\n//# sourceMappingURL=data:application/json;base64,${inline}`;
  return { format: 'module', source, shortCircuit: true };
}
