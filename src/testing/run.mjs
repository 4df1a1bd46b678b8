// Runs the TypeScript module named by the first argument; the others are left to it.
import { runnerImport } from 'vite';

await runnerImport(process.argv[2], { configFile: false, logLevel: 'error' });
