#!/usr/bin/env node
import { runProgram } from './program.js';
import { verbs } from './verbs.js';

// `twotower … | head`: whoever reads has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), verbs, process);
