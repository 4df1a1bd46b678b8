// Runs the TypeScript module named by the first argument, in this process or thread; the others are left to it.
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';

process.setSourceMapsEnabled(true);
register('./typescript-hooks.mjs', import.meta.url);
await import(pathToFileURL(process.argv[2]).href);
